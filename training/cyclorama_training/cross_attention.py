"""Feature cross attention: fine features say where to look, deep ones say what for (Liu 2019).

Source: Liu, Zhang, Zhang & Yin 2019, "Cross Attention Network for Semantic Segmentation" (the FCA module).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

SQUEEZE = 16  # channels over those in the middle of the channel attention
WINDOW = 7  # pixels a side of the spatial attention's convolution (Woo 2018, CBAM)


class CrossAttention(nn.Module):
    """Goes around a layer that fuses the two: what comes out of it is weighed by place, then by channel, and added.

    Args:
        fuse: takes deep and fine features one after the other, (N, deep + fine, H, W), and gives (N, out, H, W).
        deep, fine, out: channels.
    """

    def __init__(self, fuse: nn.Module, deep: int, fine: int, out: int) -> None:
        super().__init__()
        self.fuse, self.parts = fuse, (deep, fine)
        self.place = nn.Conv2d(2, 1, WINDOW, padding=WINDOW // 2)
        self.channel = nn.Sequential(
            nn.Conv2d(deep, max(1, deep // SQUEEZE), 1), nn.ReLU(inplace=True), nn.Conv2d(deep // SQUEEZE or 1, out, 1)
        )

    def forward(self, both: Tensor) -> Tensor:
        deep, fine = both.split(self.parts, 1)
        fused = self.fuse(both)
        where = torch.sigmoid(self.place(torch.cat([fine.mean(1, keepdim=True), fine.amax(1, keepdim=True)], 1)))
        pooled = self.channel(deep.mean((2, 3), keepdim=True)) + self.channel(deep.amax((2, 3), keepdim=True))
        return fused + fused * where * torch.sigmoid(pooled)  # type: ignore[no-any-return]
