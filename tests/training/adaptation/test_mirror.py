from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from random_models import make_core

from lmk.data.synthetic import draw
from lmk.training.adaptation import mirror
from lmk.training.adaptation.mirror import LIMIT_PX, Mirror
from lmk.training.device import Compute

CPU = Compute(torch.device("cpu"), bf16=False)
PARTNERS = [2, 1, 0, 4, 3]


class Second:
    """Stands for Fabric in the second process of two: what the first one has is `said`."""

    world_size, global_rank, is_global_zero = 2, 1, False

    def __init__(self, said: object) -> None:
        self.said = said

    def broadcast(self, _value: object) -> object:
        return self.said


def search(monkeypatch, off_px: float = 0.0, compute: Compute = CPU, value: float = 0) -> Mirror:
    """Search with a network of five points that trade places, off by this distance."""
    xy = np.random.default_rng(0).uniform(10, 117, (6, 5, 2)) + value
    back = np.stack([127 - xy[..., 0], xy[..., 1] + off_px], -1)[:, PARTNERS]
    found = iter([xy, back])
    monkeypatch.setattr(mirror, "detect", lambda *_: (next(found), None))
    made = Mirror(5)
    made.search(make_core(num_landmarks=5), 10.0, draw(6, seed=0)[0], compute)
    return made


def test_partners_are_found_once_and_kept_with_how_well_they_fit(monkeypatch) -> None:
    assert not Mirror(5).searched
    made = search(monkeypatch, off_px=3)
    assert made.searched
    assert made.fits
    assert made.partner.tolist() == PARTNERS
    assert made.distance_px.item() == pytest.approx(3, abs=1e-5)
    assert made.warning() is None
    again = Mirror(5)
    again.load_state_dict(made.state_dict())
    assert again.fits
    assert again.partner.tolist() == PARTNERS


def test_where_nothing_fits_it_says_so_with_the_distance(monkeypatch) -> None:
    made = search(monkeypatch, off_px=LIMIT_PX + 1)
    assert made.searched
    assert not made.fits
    assert "landmarks are 13.0 px of 128" in made.warning()


def test_landmarks_that_are_not_finite_decide_nothing(monkeypatch) -> None:
    assert not search(monkeypatch, value=np.nan).searched


def test_all_processes_have_the_partners_of_the_first(monkeypatch) -> None:
    second = replace(CPU, fabric=Second(([0, 2, 1, 3, 4], 7.5)))
    made = search(monkeypatch, compute=second)
    assert made.partner.tolist() == [0, 2, 1, 3, 4]
    assert made.distance_px.item() == 7.5


def test_the_network_sees_each_picture_and_its_mirror_image(monkeypatch) -> None:
    """A network without a sense of left and right finds the same in both: partners at 0 px."""

    def middle(_network: object, _beta: float, images: np.ndarray) -> tuple:
        x = np.arange(128) * images.mean((1, 3))
        columns = x.sum(1) / images.mean((1, 3)).sum(1)
        return np.stack([np.stack([columns, columns * 0 + 9], -1)] * 2, 1), None

    monkeypatch.setattr(mirror, "detect", middle)
    made = Mirror(2)
    made.search(make_core(), 10.0, draw(4, seed=0)[0], CPU)
    assert made.distance_px.item() == pytest.approx(0, abs=1e-4)


def test_partners_are_searched_in_float32_where_training_is_in_bf16() -> None:
    made, bf16 = Mirror(2), replace(CPU, bf16=True)
    made.search(make_core(num_landmarks=2), 10.0, draw(2, seed=0)[0], bf16)
    assert made.searched
