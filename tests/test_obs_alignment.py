"""Which frame the OBS filter shows with which matte: its Lua part, run by LuaJIT itself without an OBS."""

from __future__ import annotations

import ctypes
import ctypes.util
from importlib import resources
from pathlib import Path

import pytest

LIBRARY = ctypes.util.find_library("luajit-5.1")
pytestmark = pytest.mark.skipif(LIBRARY is None, reason="not installed: LuaJIT's library")

MODULES = Path(str(resources.files("cyclorama_obs")))
# A camera of 30 frames a second whose mattes come `way` frames later, one for every `gap` frames. The figure moves a
# pixel a frame, so the difference of the numbers is how far a matte is off. `show` counts what was shown.
CAMERA = """
local alignment = require("cyclorama_alignment")
local function film(frames, way, gap, lowest, stop)
    local a, due, shown, log = alignment.new(), {}, {}, {}
    local pending
    for n = 1, frames do
        local now = n / 30
        if due[n] then a:matted(due[n], now, {}); pending = nil end
        if not pending and (n - 1) % gap == 0 and n > 1 and not (stop and n >= stop) then
            pending = n - 1
            a:requested(pending)
            due[n + way - 1] = pending
        end
        a:captured(n, now, {})
        local pair = a:choose(now, lowest)
        table.insert(log, pair and (n - pair.frame.number) .. ":" .. (pair.frame.number - pair.matte.number) or "-")
    end
    return log, a
end
"""


def lua(code: str) -> str:
    """Runs Lua and returns what it returns, as text."""
    library = ctypes.CDLL(LIBRARY)
    library.luaL_newstate.restype = ctypes.c_void_p
    library.lua_tolstring.restype = ctypes.c_char_p
    state = ctypes.c_void_p(library.luaL_newstate())
    library.luaL_openlibs(state)
    path = f'package.path = "{MODULES}/?.lua"\n'
    failed = library.luaL_loadstring(state, (path + code).encode()) or library.lua_pcall(state, 0, 1, 0)
    answer = (library.lua_tolstring(state, -1, None) or b"").decode()
    library.lua_close(state)
    assert not failed, answer
    return answer


def film(frames: int, way: int, gap: int, *, lowest: bool = False, stop: int = 0) -> list[tuple[int, int] | None]:
    """For each frame: how many frames late what is shown is, and how far its matte is off; None: nothing is shown."""
    options = f"{str(lowest).lower()}, {stop or 'nil'}"
    words = lua(CAMERA + f'return table.concat((film({frames}, {way}, {gap}, {options})), " ")').split()
    return [None if word == "-" else (int(word.split(":")[0]), int(word.split(":")[1])) for word in words]


def test_each_frame_is_shown_with_its_own_matte_and_a_steady_delay() -> None:
    shown = film(60, way=2, gap=1)
    assert shown[0] is None, "before the first matte there is nothing"
    assert set(shown[5:]) == {(2, 0)}


def test_a_slower_network_delays_more_and_stays_in_step() -> None:
    shown = film(90, way=3, gap=3)
    late = {pair[0] for pair in shown[30:] if pair}
    assert None not in shown[30:]
    assert max(late) - min(late) == 0, "no frame is skipped or repeated"
    assert max(abs(pair[1]) for pair in shown[30:] if pair) <= 1, "the nearest matte is at most a frame away"


def test_where_mattes_are_rare_only_frames_with_their_own_are_shown() -> None:
    shown = film(120, way=6, gap=6)
    assert None not in shown[40:]
    off = [abs(pair[1]) for pair in shown[40:] if pair]
    assert max(off) <= 1, "0.05 s at 30 frames a second"


def test_lowest_latency_shows_the_newest_frame() -> None:
    shown = film(60, way=2, gap=1, lowest=True)
    assert set(shown[5:]) == {(0, 2)}


@pytest.mark.parametrize("lowest", [False, True])
def test_when_mattes_stop_nothing_is_shown_soon_after(lowest: bool) -> None:
    shown = film(90, way=2, gap=1, lowest=lowest, stop=45)
    assert None not in shown[5:50]
    assert set(shown[45 + 12 :]) == {None}, "0.3 s are 9 frames"


def test_frames_that_nobody_needs_are_given_back() -> None:
    code = CAMERA + "local _, a = film(200, 2, 1)\nreturn #a.frames .. ' ' .. #a.mattes"
    frames, mattes = map(int, lua(code).split())
    assert frames <= 4
    assert mattes <= 12


def test_a_frame_that_is_awaited_or_shown_is_not_given_back() -> None:
    code = """
    local a = require("cyclorama_alignment").new()
    a:captured(1, 0, {}); a:requested(1)
    for n = 2, 40 do
        for _, frame in ipairs(a:captured(n, n / 30, {})) do assert(frame.number ~= 1, "awaited") end
    end
    a:matted(1, 40 / 30, {})
    local pair = a:choose(40 / 30, false)
    assert(pair and pair.frame.number == 1 and pair.matte.number == 1, "the awaited frame with its matte")
    for n = 41, 60 do
        for _, frame in ipairs(a:captured(n, n / 30, {})) do assert(frame ~= pair.frame, "shown") end
    end
    return "fine"
    """
    assert lua(code) == "fine"


def test_a_matte_from_before_all_was_forgotten_is_not_shown() -> None:
    """As after OBS stood still: the worker's answer comes in the same tick as the new beginning."""
    answer = lua(
        'local a, log = require("cyclorama_alignment").new(), {}\n'
        "local unneeded = a:matted(7, 1.0, 'old')\n"
        "for n = 8, 12 do\n"
        "    a:captured(n, 1.0 + (n - 8) / 15, {})\n"
        "    for _, lowest in ipairs({true, false}) do\n"
        "        table.insert(log, tostring(a:choose(1.0 + (n - 8) / 15, lowest)))\n"
        "    end\n"
        "end\n"
        'return unneeded[1].planes .. " " .. table.concat(log, " ")\n'
    )
    assert answer == "old" + 10 * " nil"
