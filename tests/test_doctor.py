from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cyclorama_ffmpeg.doctor import Trial, graphics_cards, idle_cards, try_devices

CPU = Trial("cpu", 30.0, "")


def nvidia_smi(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts a program of that name first on the path."""
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for nvidia-smi is a shell script")
def test_a_card_that_stands_idle_is_named_with_the_reason_and_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvidia_smi(tmp_path, "echo NVIDIA GeForce RTX 4060", monkeypatch)
    cards = [c for c in graphics_cards() if c.startswith("NVIDIA")]
    assert cards == ["NVIDIA GeForce RTX 4060"]
    (sentence,) = idle_cards(cards, [CPU])
    assert sentence.startswith("NVIDIA GeForce RTX 4060 is there but unused: the installed ONNX Runtime has no CUDA")
    assert "pip install onnxruntime-gpu" in sentence


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for nvidia-smi is a shell script")
def test_a_driver_that_fails_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nvidia_smi(tmp_path, "echo 'Driver/library version mismatch'; exit 18", monkeypatch)
    assert "NVIDIA card whose driver does not answer (nvidia-smi fails)" in graphics_cards()


def test_a_card_in_use_is_not_called_idle() -> None:
    assert idle_cards(["NVIDIA X"], [CPU, Trial("cuda", 3.0, "")]) == []


def test_a_provider_that_failed_gives_its_own_reason() -> None:
    (sentence,) = idle_cards(["NVIDIA X"], [CPU, Trial("cuda", None, "did not start")])
    assert sentence == "NVIDIA X is there but unused: did not start"


def test_the_cpu_is_tried_by_true_inference() -> None:
    trials = {t.device: t for t in try_devices("green-screen")}
    assert trials["cpu"].milliseconds is not None
    assert trials["cpu"].milliseconds > 0


def test_the_command_prints_a_time_and_ends_well() -> None:
    code = "from cyclorama_ffmpeg.commands.main import main; main()"
    command = [sys.executable, "-c", code, "doctor", "--model", "green-screen"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0
    assert "ms a frame (green-screen, matte of 1280 x 720)" in answer.stdout
