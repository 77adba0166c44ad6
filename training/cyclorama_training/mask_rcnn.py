"""Mask R-CNN (He 2017) of torchvision, of one class: people, each with a mask of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from cyclorama_training.data import Image, box_of
from cyclorama_training.examples import Marked
from cyclorama_training.outfit_data import regions

SURE = 0.5  # score from which on a person is in the matte
LEAST_SIDE = 2  # pixels of a box
# Rows of the heads' weights that are of background and person, in COCO's order; a box has four numbers a class.
OF_PERSON = {
    "box_predictor.cls_score": slice(0, 2),
    "box_predictor.bbox_pred": slice(0, 8),
    "mask_predictor.mask_fcn_logits": slice(0, 2),
}


class MaskRCNN(nn.Module):
    """A `classic_network.Classic`: the matte is the strongest of all people's masks in each pixel.

    Args:
        size: height and width of the pictures; they are not scaled once more.
        backbone: a ResNet of torchvision's.
        frozen_norm: whether normalisation stays as it is; for published weights, which small batches would spoil.
        proposals: boxes that are looked at in each picture.
    """

    def __init__(
        self,
        size: tuple[int, int],
        backbone: str = "resnet50",
        frozen_norm: bool = False,
        proposals: int = 1000,
    ) -> None:
        super().__init__()
        from torchvision.models import detection
        from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
        from torchvision.ops import FrozenBatchNorm2d

        norm = FrozenBatchNorm2d if frozen_norm else nn.BatchNorm2d
        body = resnet_fpn_backbone(backbone_name=backbone, weights=None, trainable_layers=5, norm_layer=norm)
        self.network: nn.Module = detection.MaskRCNN(
            body,
            num_classes=2,
            min_size=min(size),
            max_size=max(size),
            rpn_pre_nms_top_n_train=2 * proposals,
            rpn_pre_nms_top_n_test=proposals,
            rpn_post_nms_top_n_train=2 * proposals,
            rpn_post_nms_top_n_test=proposals,
        )

    def published(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Weights of COCO's 91 classes as those of background and person: they find people untrained."""
        found = dict(tensors)
        for name, value in tensors.items():
            rows = next((rows for part, rows in OF_PERSON.items() if f".{part}." in name), None)
            if rows is not None:
                found[name] = value[rows]
        return found

    def forward(self, rgb: Tensor) -> Tensor:
        """Alpha float (N, H, W) in [0, 1] of pictures uint8 (N, H, W, 3)."""
        pictures = [each.permute(2, 0, 1).float() / 255 for each in rgb]
        found = self.network(pictures)
        nobody = [picture.new_zeros(1, *picture.shape[1:]) for picture in pictures]
        mattes = []
        for each, nothing in zip(found, nobody, strict=True):
            sure = (each["scores"] >= SURE).to(nothing.dtype)[:, None, None]
            mattes.append(torch.cat([nothing, each["masks"][:, 0] * sure]).amax(0))
        return torch.stack(mattes)

    def loss(self, batch: Sequence[Marked], device: torch.device) -> Tensor:
        pictures = [torch.from_numpy(each.rgb).to(device).permute(2, 0, 1).float() / 255 for each in batch]
        losses = self.network(pictures, [target_of(each, device) for each in batch])
        return torch.stack(list(losses.values())).sum()


def people_of(marked: Marked) -> list[Image]:
    """A mask uint8 (H, W) of each person; where they are in one matte, of each region that stands apart."""
    alphas = marked.alphas if marked.apart else [alpha for _, alpha in regions(marked.alpha)]
    found = []
    for alpha in alphas:
        box = box_of(alpha)
        if box is not None and min(box[1] - box[0], box[3] - box[2]) >= LEAST_SIDE:
            found.append(alpha)
    return found


def target_of(marked: Marked, device: torch.device) -> dict[str, Tensor]:
    """What torchvision's loss wants: boxes (left, top, right, bottom), labels and masks of 0 and 1."""
    people = people_of(marked)
    boxes = []
    for alpha in people:
        top, bottom, left, right = box_of(alpha) or (0, 0, 0, 0)
        boxes.append((left, top, right, bottom))
    masks = np.stack(people) >= 128 if people else np.zeros((0, *marked.rgb.shape[:2]), bool)
    return {
        "boxes": torch.tensor(boxes, dtype=torch.float32, device=device).reshape(-1, 4),
        "labels": torch.ones(len(people), dtype=torch.int64, device=device),
        "masks": torch.from_numpy(masks.astype(np.uint8)).to(device),
    }
