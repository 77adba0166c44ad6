"""Single hairs: a network that finds anew what a matte leaves in doubt, from what the colours around it speak for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama import weights
from cyclorama.band import around, shrink
from cyclorama.closed_form import Problem
from cyclorama.matting.onnx import LoadedModel, load
from cyclorama.trimap import WHITE, Band, Plane, distance, of_doubt
from cyclorama.types import Alpha, DeepRgb

STRIDE = 32  # of the network: sides come in these steps
# How much a matte is trusted against the picture's colours, where it is sure; elsewhere with this power of sureness.
# So many times as much more where the subject's colour is the background's, to within `ALIKE`: no colour tells there.
TRUST, SURENESS, MORE, ALIKE = 3e-3, 3, 60.0, 0.15
STEEPER = 1.5  # times: what it leaves at a half is more often something or nothing
NEAR, WIDE = 0.02, 0.08  # of the long side: how far the colours of what is sure reach, and where these do not
COARSE = 8  # times smaller than the picture: spread colours
# From which alikeness with the background's colour, and up to which, the network is believed less and less where
# neither the matte before nor the colours that trust it have `UNSEEN`: it would draw light hair onto a wall as light.
# A pixel counts with those around it, for walls have grain.
SAME, UNSEEN, GRAIN = (0.8, 0.95), 0.1, (5, 5)
# Hair may go on where the trimap says that there is none. Where the subject that was found, above `SEEN`, comes so near
# to the unknown band's outer edge (`AT_END`) with a colour that is the background's by less than `UNLIKE`, the band is
# opened by `FARTHER`, and solved again. Without the colours a wall as light as the hair before it was taken along.
ROUNDS = 3  # at most
SEEN, UNLIKE = 0.3, 0.5
AT_END, FARTHER = 0.006, 0.05  # of the long side
FADE = 0.3  # of `FARTHER`: over its last part the answer goes over into the one before
BESIDE = 96  # pixels around what is solved again


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the network is told, at the size of `band`.

    Attributes:
        band: the picture, and what of it is in doubt.
        before: float32 (h, w) in [0, 1], the matte that is refined.
        trusting: the same, closed-form matting that also trusts the matte before, the more the surer it is.
        colours: the same, closed-form matting of the colours alone.
    """

    band: Band
    before: Alpha
    trusting: Alpha
    colours: Alpha

    @classmethod
    def of(cls, trimap: Alpha, alpha: Alpha, rgb: DeepRgb) -> Evidence:
        """What speaks for one alpha and another in the unknown part of a trimap.

        Args:
            trimap: float32 (H, W) in [0, 1], see `cyclorama.trimap`.
            alpha: float32 (H, W) in [0, 1], a network's.
            rgb: uint8 or uint16 (H, W, 3).
        """
        band = Band.of(trimap, rgb)
        return cls.of_band(band, shrink(alpha, *band.size))

    @classmethod
    def of_band(cls, band: Band, before: Alpha) -> Evidence:
        """The same at the size of a band; `before`: float32 (h, w) in [0, 1]."""
        believed = np.clip(0.5 + STEEPER * (before - np.float32(0.5)), 0, 1)
        trusted = trust(believed, band.guide, band.sure)
        problem = Problem(band.guide, band.unknown)
        with ThreadPoolExecutor(1) as pool:  # both take a second, nearly all of it outside of Python
            trusting = pool.submit(problem.solve, band.filled(believed), trusted)
            colours = problem.solve(band.filled(before))
            return cls(band, before, trusting.result(), colours)


class Refiner:
    """The `refine` network by ONNX Runtime, without a state: threads may share it."""

    def __init__(self, model: LoadedModel) -> None:
        self._session = model.session

    def refine(self, alpha: Alpha, rgb: DeepRgb) -> Alpha:
        """A matte with what it leaves in doubt found anew.

        Args:
            alpha: float32 (H, W) in [0, 1], a network's. Where nobody is sure in it, it is the answer.
            rgb: uint8 or uint16 (H, W, 3).

        Returns:
            float32 (H, W) in [0, 1].
        """
        trimap = of_doubt(alpha)
        if not (trimap >= WHITE).any():
            return alpha
        evidence = Evidence.of(trimap, alpha, rgb)
        band, found = evidence.band, self.found(evidence)
        for _ in range(ROUNDS):
            away = distance(ends(band, found)) / np.float32(FARTHER * max(band.size))
            if away.min() > 1:
                break
            band = band.opened(away <= 1)
            part = around(away <= 1, BESIDE)
            again = self.found(Evidence.of_band(band.part(part), found[part]))
            found[part] += np.clip((1 - away[part]) / np.float32(FADE), 0, 1) * (again - found[part])
        height, width = alpha.shape
        opened = cv2.resize(band.trimap(), (width, height), interpolation=cv2.INTER_NEAREST)
        return band.enlarged(found, opened, rgb)  # type: ignore[arg-type]

    def found(self, evidence: Evidence) -> Alpha:
        """Alpha float32 (h, w) in [0, 1] at the size of the evidence."""
        band = evidence.band
        inputs = {
            "rgb": band.guide,
            "distances": distances(band.trimap()),
            "before": evidence.before,
            "trusting": evidence.trusting,
            "colours": evidence.colours,
        }
        down, right = (-side % STRIDE for side in band.size)
        feeds = {
            name: cv2.copyMakeBorder(plane, 0, down, 0, right, cv2.BORDER_REPLICATE)[None]
            for name, plane in inputs.items()
        }
        (alpha,) = self._session.run(["alpha"], feeds)
        height, width = band.size
        alpha = alpha[0, :height, :width]
        return band.filled(alpha + empty(evidence) * (np.minimum(alpha, evidence.trusting) - alpha))


def create(*, device: str = "auto", threads: int = 0) -> Refiner:
    """Loads the network that ships.

    Args:
        device, threads: see `cyclorama.matting.onnx.load`.

    Raises:
        ModelError: its weights are missing or damaged.
        DeviceError: the device was named and cannot be used.
    """
    return Refiner(load(weights.path("refine"), device=device, threads=threads))


def empty(evidence: Evidence) -> Plane:
    """How surely there is nothing but background, whatever the network says: float32 (h, w) in [0, 1]."""
    band, (low, high) = evidence.band, SAME
    same = like_background(band)
    same = (np.maximum(same, cv2.blur(same, GRAIN)) - np.float32(low)) / np.float32(high - low)
    return np.clip(same, 0, 1) * ((evidence.before < UNSEEN) & (evidence.trusting < UNSEEN))


def ends(band: Band, alpha: Alpha) -> NDArray[np.bool_]:
    """Where the subject reaches the outer edge of the unknown band, (h, w).

    Args:
        alpha: float32 (h, w) in [0, 1], what was found in the band.
    """
    trimap, seen = band.trimap(), alpha > SEEN
    count, parts = cv2.connectedComponents(seen.astype(np.uint8))
    of_subject = np.zeros(count, np.bool_)
    of_subject[parts[trimap == 1]] = True
    at_end = (trimap == 0.5) & (distance(trimap == 0) <= max(2.0, AT_END * max(band.size)))
    return seen & of_subject[parts] & at_end & (like_background(band) < UNLIKE)


def distances(trimap: Alpha) -> Plane:
    """Pixels to the nearest sure background, and to the nearest sure subject, float32 (H, W, 2).

    Args:
        trimap: (H, W): 0 background, 1 subject.
    """
    return cv2.merge([distance(trimap == 0), distance(trimap == 1)])  # type: ignore[return-value]


def trust(alpha: Alpha, guide: Plane, sure: Plane) -> Plane:
    """How much a matte counts beside the picture's colours, float32 (h, w): most where it is sure and they say little.

    Args:
        alpha: float32 (h, w) in [0, 1].
        guide: float32 (h, w, 3) in [0, 1], the picture.
        sure: float32 (h, w, 2), how surely each pixel is background, and subject.
    """
    background, subject = (spread(guide, sure[..., side]) for side in (0, 1))
    more = 1 + np.float32(MORE) * alike(subject, background)
    return np.float32(TRUST) * np.abs(2 * alpha - 1) ** SURENESS * more


def like_background(band: Band) -> Plane:
    """How much each pixel has the colour of the sure background near it, float32 (h, w) in [0, 1]."""
    return alike(band.guide, spread(band.guide, band.sure[..., 0]))


def alike(one: Plane, other: Plane) -> Plane:
    """How much two planes of colours (h, w, 3) are the same, float32 (h, w) in [0, 1]."""
    return np.exp(-np.square(one - other).sum(2) / np.float32(2 * ALIKE**2))  # type: ignore[no-any-return]


def spread(guide: Plane, sure: Plane) -> Plane:
    """The colours of what is sure, carried into what is not: float32 (h, w, 3)."""
    height, width = sure.shape
    size = max(1, round(height / COARSE)), max(1, round(width / COARSE))
    weight = shrink(sure, *size)[..., None]
    amount = np.dstack([shrink(guide * sure[..., None], *size), weight])
    total = amount.sum((0, 1))
    colours = total[:3] / max(float(total[3]), 1e-6)
    for reach in (WIDE, NEAR):
        blurred = cv2.GaussianBlur(amount, (0, 0), reach * max(size))
        known = blurred[..., 3:]
        share = np.clip(known / np.float32(0.05), 0, 1)
        colours = share * blurred[..., :3] / np.maximum(known, 1e-6) + (1 - share) * colours
    return cv2.resize(colours, (width, height), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]
