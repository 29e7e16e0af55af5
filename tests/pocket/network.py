"""Three convolutions of stride 2, each with a batch norm, and a head."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from lmk.architectures.network import LandmarkNetwork
from pocket.spec import ARCHITECTURE


class Pocket(LandmarkNetwork):
    architecture = ARCHITECTURE

    def __init__(self, num_landmarks: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 12, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(12)
        self.conv3 = nn.Conv2d(12, 16, 3, stride=2, padding=1)
        self.bn3 = nn.BatchNorm2d(16)
        self.head = nn.Conv2d(16, num_landmarks, 1)

    def features(self, images: Tensor) -> list[Tensor]:
        first = F.relu(self.bn1(self.conv1(images)))
        return [first, F.relu(self.bn2(self.conv2(first)))]

    def forward(self, images: Tensor) -> Tensor:
        return self.head(F.relu(self.bn3(self.conv3(self.features(images)[1]))))
