from __future__ import annotations

import numpy as np
import pytest
import torch

from lmk.data.batch import (
    batch_indices,
    blur,
    occlude,
    random_color,
    random_rectangles,
    recolor,
    step_generator,
    to_float,
)


def test_every_image_comes_once_before_any_comes_again() -> None:
    steps = [batch_indices(count=10, batch=4, step=step, seed=3) for step in range(5)]
    order = np.concatenate(steps)
    assert sorted(order[:10]) == sorted(order[10:20]) == list(range(10))
    assert list(order[:10]) != list(order[10:20])


def test_a_batch_may_be_larger_than_the_set() -> None:
    index = batch_indices(count=3, batch=8, step=2, seed=0)
    assert len(index) == 8
    assert set(index) == {0, 1, 2}


def test_random_numbers_depend_on_seed_and_step_alone() -> None:
    cpu = torch.device("cpu")
    draws = {
        (step, seed): torch.rand(4, generator=step_generator(step, seed, cpu)).tolist()
        for step in (0, 1)
        for seed in (0, 1)
    }
    assert len({tuple(values) for values in draws.values()}) == 4
    assert draws[1, 0] == torch.rand(4, generator=step_generator(1, 0, cpu)).tolist()


def test_to_float_puts_channels_first() -> None:
    crops = np.zeros((2, 3, 4, 3), np.uint8)
    crops[1, 2, 3] = (255, 51, 0)
    images = to_float(crops, torch.device("cpu"))
    assert images.shape == (2, 3, 3, 4)
    torch.testing.assert_close(images[1, :, 2, 3], torch.tensor([1.0, 0.2, 0.0]))


def test_color_jitter_is_affine_per_channel_and_stays_in_range() -> None:
    ramp = torch.linspace(0.3, 0.7, 5).expand(4, 3, 1, 5)
    jittered = recolor(ramp, random_color(4, 0.2, torch.Generator().manual_seed(0)))
    steps = jittered.diff(dim=-1)
    torch.testing.assert_close(steps, steps[..., :1].expand_as(steps), atol=1e-5, rtol=0)
    gain = steps[..., 0, 0] / 0.1
    assert gain.min() >= 0.8 - 1e-4
    assert gain.max() <= 1.2 + 1e-4
    assert gain.flatten().unique().numel() == 12


def test_rectangles_have_a_size_in_their_share_and_lie_anywhere() -> None:
    rectangles = random_rectangles((2, 3000), 0.4, torch.Generator().manual_seed(0))
    assert rectangles.shape == (2, 3000, 7)
    left, top, right, bottom = rectangles[..., :4].unbind(-1)
    shown = right > left
    assert shown.float().mean() == pytest.approx(0.4, abs=0.03)
    assert torch.equal(shown, bottom > top)
    for low, high in ((left, right), (top, bottom)):
        sides, centers = (high - low)[shown], (high + low)[shown] / 2
        assert 0.149 < sides.min() < 0.16 < 0.34 < sides.max() < 0.351
        assert 0 <= centers.min() < 0.01 < 0.99 < centers.max() <= 1
    assert torch.corrcoef(torch.stack([right - left, bottom - top])[:, shown])[0, 1].abs() < 0.1


def test_a_rectangle_hides_what_is_inside_it_alone() -> None:
    images = torch.rand(2, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    rectangles = torch.tensor(
        [[0.1, 0.5, 0.3, 1.2, 0.25, 0.5, 0.75], [0.4, 0.4, 0.4, 0.4, 1, 1, 1]]
    )
    expected = images.clone()
    expected[0, :, 10:, 2:6] = torch.tensor([0.25, 0.5, 0.75])[:, None, None]
    assert torch.equal(occlude(images, rectangles), expected)


def test_blur_is_the_mean_of_five_by_five_in_the_chosen_images() -> None:
    images = torch.rand(3, 3, 12, 9, generator=torch.Generator().manual_seed(0))
    blurred = blur(images, torch.tensor([True, False, True]))
    assert torch.equal(blurred[1], images[1])
    torch.testing.assert_close(blurred[2, 1, 6, 4], images[2, 1, 4:9, 2:7].mean())
    rows, columns = [0, 0, 0, 1, 2], [6, 7, 8, 8, 8]  # edges replicated
    corner = images[0, :, rows][:, :, columns].mean((1, 2))
    torch.testing.assert_close(blurred[0, :, 0, 8], corner)
