"""Lets a torchvision be imported whose compiled part does not fit the PyTorch beside it.

There is no torchvision for every build of PyTorch: with one for the CPU alone, its compiled operators do not load.
Those that the training uses are made here of PyTorch's own, slower. Where the two packages fit nothing is done.
"""

from __future__ import annotations

import sys

import torch
from torch import Tensor
from torch.nn import functional

BOXES = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
FEATURES = (
    "(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, SymInt pooled_width, int sampling_ratio, "
    "bool aligned) -> Tensor"
)
SAMPLES = 2  # of a cell's side, where the caller leaves it open: as torchvision's networks do
_declared: list[torch.library.Library] = []  # operators live as long as the object that declared them


def mend() -> None:
    """Imports torchvision, with operators of ours where its own cannot be loaded."""
    try:
        import torchvision
    except RuntimeError:
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        operators = torch.library.Library("torchvision", "DEF")
        _declared.append(operators)
        for name in ("nms", "qnms"):
            operators.define(f"{name}{BOXES}")
        operators.define(f"roi_align{FEATURES}")
        operators.impl("nms", nms, "CPU")
        operators.impl("roi_align", roi_align, "CompositeImplicitAutograd")  # so that it has a gradient
        import torchvision.extension

        torchvision.extension._has_ops = has_operators
        torchvision.ops.roi_align.__globals__["_has_ops"] = has_operators


def has_operators() -> bool:
    """Takes the place of torchvision's own, which is compiled by `torch.jit.script`: a lambda cannot be."""
    return True


def nms(boxes: Tensor, scores: Tensor, threshold: float) -> Tensor:
    """Numbers of the boxes that are kept, the best first: none overlaps a better one by more than `threshold`.

    Args:
        boxes: (N, 4), left, top, right, bottom.
        scores: (N,).
    """
    order = scores.argsort(descending=True, stable=True)
    boxes = boxes[order]
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept = []
    alive = torch.ones(len(boxes), dtype=torch.bool)
    for index in range(len(boxes)):
        if not alive[index]:
            continue
        kept.append(index)
        low, high = torch.maximum(boxes[index, :2], boxes[:, :2]), torch.minimum(boxes[index, 2:], boxes[:, 2:])
        shared = (high - low).clamp(min=0).prod(1)
        alive &= shared <= threshold * (area[index] + area - shared)
    return order[torch.tensor(kept, dtype=torch.int64)]


def roi_align(
    features: Tensor, boxes: Tensor, scale: float, height: int, width: int, sampling: int, aligned: bool
) -> Tensor:
    """Features of each box, (K, C, height, width), each the mean of a few points between pixels (He 2017).

    Args:
        features: (N, C, H, W).
        boxes: (K, 5): number of the picture, left, top, right, bottom.
        scale: size of the features over that of the picture in which the boxes are measured.
        sampling: points along a cell's side.
        aligned: whether a pixel's middle is at half a pixel.
    """
    points = sampling if sampling > 0 else SAMPLES
    left, top, right, bottom = (boxes[:, 1:] * scale - (0.5 if aligned else 0.0)).unbind(1)
    least = -torch.inf if aligned else 1.0
    x = _points(left, (right - left).clamp(min=least), width * points, features.shape[3])
    y = _points(top, (bottom - top).clamp(min=least), height * points, features.shape[2])
    grid = torch.stack(
        [x[:, None, :].expand(-1, y.shape[1], -1), y[:, :, None].expand(-1, -1, x.shape[1])], 3
    )  # (K, rows, columns, 2)
    found = features.new_zeros(len(boxes), features.shape[1], height, width)
    for number, each in enumerate(features):
        own = torch.nonzero(boxes[:, 0] == number)[:, 0]
        if len(own):
            rows = grid[own].flatten(0, 1)[None]
            read = functional.grid_sample(each[None], rows, padding_mode="border", align_corners=True)[0]
            cells = read.unflatten(1, (len(own), height * points)).transpose(0, 1)
            found = found.index_copy(0, own, functional.avg_pool2d(cells, points))
    return found


def _points(start: Tensor, length: Tensor, count: int, side: int) -> Tensor:
    """`count` points spread over each stretch of pixels, as `grid_sample` counts: -1 the first pixel, 1 the last."""
    share = (torch.arange(count, device=start.device, dtype=start.dtype) + 0.5) / count
    return (start[:, None] + share * length[:, None]) * (2 / max(1, side - 1)) - 1
