"""Suggestions for files and streams: scenes to choose from, and the choice for a picture, a video, a stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cyclorama import catalogue
from cyclorama.colour import to_8_bits
from cyclorama.engine import Engine, Session
from cyclorama.suggest import suggest
from cyclorama.suggesting import Sight, see, vote
from cyclorama.types import Alpha, Background, Colour, DeepRgb, Rgb, Scene, Settings, Subject, Suggestion
from cyclorama_ffmpeg import backgrounds, still
from cyclorama_ffmpeg.backgrounds import CLIPS
from cyclorama_ffmpeg.moments import pictures
from cyclorama_ffmpeg.still import Still
from cyclorama_ffmpeg.trim import Span

MOMENTS = 7  # pictures of a video that have a say
# A stream shows its first frame before the second is there: its scene is chosen by that one, and once more where
# it was empty, by the first that shows somebody: every so many frames, within so many.
LOOK_EVERY, PATIENCE = 10, 250
UNCHOSEN = Colour(128, 128, 128)  # in settings whose scene is still to be chosen; never seen


@dataclass(frozen=True, slots=True)
class Choice:
    """The scene that was chosen, and the suggestion that says why."""

    scene: Scene
    suggestion: Suggestion

    @property
    def background(self) -> Background:
        """Freshly opened: a clip can be at one place at a time."""
        return backgrounds.from_file(self.scene.file)

    def __str__(self) -> str:
        return f"suggest: {self.scene.name} ({self.suggestion.reason})"


def scenes(library: Path | None, say: Callable[[str], object]) -> tuple[Scene, ...]:
    """The scenes to choose from: the built-in ones, or those of a user's folder.

    Args:
        say: is told of each of the folder's files that cannot be read.

    Raises:
        SettingError: the folder is not there or holds no picture. MediaError: its catalogue is damaged.
    """
    if library is None:
        return catalogue.built_in()
    return catalogue.library(library, first_picture, still.READABLE - {".gif"}, CLIPS, say=say)


def first_picture(path: Path) -> Rgb:
    """A picture file's pixels, or a clip's first, uint8 (H, W, 3) sRGB.

    Raises:
        MediaError, PictureError: it cannot be read.
    """
    if path.suffix.lower() in CLIPS:
        return pictures(path, Span(), 1)[0]
    return still.read(path).srgb


class Chooser:
    """Chooses scenes.

    Args:
        scenes: to choose from.
        subject: whose clothes count; see `cyclorama.types.Settings`.
    """

    def __init__(self, engine: Engine, scenes: Sequence[Scene], subject: Subject = "all") -> None:
        self._engine, self._scenes, self._subject = engine, scenes, subject

    def matte_of(self, picture: Still) -> Alpha:
        """The matte of a picture."""
        return still.matte_of(self._engine, picture, self._subject)

    def sight_of_picture(self, picture: Still, alpha: Alpha) -> Sight:
        """What a picture shows whose matte is known."""
        return self._see(picture.srgb, alpha)

    def sights_of_video(self, source: Path, span: Span | None = None) -> list[tuple[Rgb, Alpha, Sight]]:
        """Pictures spread over a video, their mattes, and what they show.

        Raises:
            MediaError, PictureError: the video cannot be used.
        """
        return [(rgb, *self._sight(rgb)) for rgb in pictures(source, span or Span(), MOMENTS)]

    def rank(self, sight: Sight, top: int, *, still_pictures: bool = False) -> list[Suggestion]:
        """The best scenes; clips are left out for still pictures, unless there is nothing else."""
        scenes = [scene for scene in self._scenes if not (still_pictures and scene.loop)] or self._scenes
        return suggest(sight.outfits, sight.look, scenes, top)

    def choice(self, suggestion: Suggestion) -> Choice:
        """The scene that a suggestion names."""
        return Choice(next(scene for scene in self._scenes if scene.name == suggestion.scene), suggestion)

    def for_picture(self, picture: Still, alpha: Alpha) -> Choice:
        """The scene for a picture whose matte is known."""
        return self.choice(self.rank(self.sight_of_picture(picture, alpha), 1, still_pictures=True)[0])

    def for_video(self, source: Path, span: Span | None = None) -> Choice:
        """The scene for a whole video, by several of its pictures."""
        sight = vote([sight for _, _, sight in self.sights_of_video(source, span)])
        return self.choice(self.rank(sight, 1)[0])

    def for_frame(self, rgb: Rgb) -> tuple[Choice, bool]:
        """The scene for one frame, and whether anybody is seen in it."""
        _, sight = self._sight(rgb)
        return self.choice(self.rank(sight, 1)[0]), bool(sight.outfits)

    def _sight(self, rgb: Rgb) -> tuple[Alpha, Sight]:
        settings = Settings(decontaminate=False, subject=self._subject)
        alpha = self._engine.matte(rgb, settings).alpha
        return alpha, self._see(rgb, alpha)

    def _see(self, rgb: Rgb, alpha: Alpha) -> Sight:
        return see(self._engine, self._engine.detector, rgb, alpha, chosen=self._subject != "all")


class FirstFrames:
    """Chooses a stream's scene as its first frames come.

    Args:
        say: is told the choice.
    """

    def __init__(self, chooser: Chooser, say: Callable[[str], object]) -> None:
        self._chooser, self._say = chooser, say
        self._chosen: str | None = None
        self._frames = 0

    def __call__(self, session: Session, rgb: DeepRgb) -> None:
        """Gives the session its background; to be called with every frame before it is rendered."""
        frame, self._frames = self._frames, self._frames + 1
        if frame % LOOK_EVERY or frame > PATIENCE:
            return
        small = to_8_bits(rgb)
        view = small if session.working is None else session.working.srgb_view(small)
        choice, somebody = self._chooser.for_frame(view)
        if choice.scene.name != self._chosen:
            self._chosen = choice.scene.name
            self._say(str(choice))
            session.settings = replace(session.settings, background=choice.background)
        if somebody:
            self._frames = PATIENCE + 1
