"""Gradients of one step, for test_processes: torchrun shared_gradients.py OUT

Batch norms are in evaluation mode, as each process normalises over its own share otherwise.
"""

from __future__ import annotations

import sys
from pathlib import Path
from unittest.mock import patch

import torch
from torch import Tensor, nn

from lmk.architectures.hourglass.network import Hourglass
from lmk.data.synthetic import draw
from lmk.networks.generator import Generator
from lmk.networks.perceptual import CoreFeatures
from lmk.training.adaptation.learner import AdaptLearner
from lmk.training.adaptation.methods import start_network
from lmk.training.device import Compute, select_compute
from lmk.training.options import AdaptOptions


def gradients(compute: Compute) -> dict[str, Tensor]:
    torch.manual_seed(0)
    core = Hourglass(14).eval()
    options = AdaptOptions(batch_size=4, keypoints=5, generator_width=4, perceptual_size=32)
    network = start_network("projection", core, 5)
    freeze_batch_norms(network)
    with patch("lmk.training.adaptation.learner.Generator", frozen_generator):
        learner = AdaptLearner(draw(6, seed=0)[0], network, CoreFeatures(core), options, compute)
    learner.losses(3)["loss"].backward()
    return {
        f"{part}.{name}": parameter.grad
        for part, module in learner.modules.items()
        for name, parameter in module.named_parameters()
        if parameter.grad is not None
    }


def frozen_generator(num_landmarks: int, width: int) -> Generator:
    generator = Generator(num_landmarks, width)
    freeze_batch_norms(generator)
    return generator


def freeze_batch_norms(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.requires_grad_(False)


if __name__ == "__main__":
    chosen = select_compute("cpu", "fp32")
    found = gradients(chosen)
    if chosen.first:
        torch.save({"processes": chosen.processes, "gradients": found}, Path(sys.argv[1]))
