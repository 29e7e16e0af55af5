from __future__ import annotations

import torch

from lmk.networks.generator import Generator


def test_makes_pictures_of_any_even_quarter_in_unit_range() -> None:
    reconstructed = Generator(3, width=4)(torch.rand(2, 3, 64, 96), torch.rand(2, 3, 16, 24))
    assert reconstructed.shape == (2, 3, 64, 96)
    assert reconstructed.dtype == torch.float32
    assert reconstructed.min() >= 0
    assert reconstructed.max() <= 1


def test_a_constant_is_reconstructed_as_a_constant() -> None:
    """Away from the border: nothing in the decoder tells one pixel from the next."""
    decoder = Generator(3, width=4).decoder.eval()
    with torch.no_grad():
        reconstructed = decoder(torch.rand(2, 19, 1, 1).expand(2, 19, 12, 16))
    assert reconstructed.shape == (2, 3, 48, 64)
    inside = reconstructed[..., 10:-10, 10:-10]
    assert torch.allclose(inside, inside[..., :1, :1].expand_as(inside), atol=1e-6)
    assert (
        reconstructed - reconstructed[..., 20:21, 20:21]
    ).abs().max() > 1e-3  # the border, by its zeros


def test_landmarks_reach_the_reconstruction() -> None:
    heatmaps = torch.rand(2, 3, 16, 24, requires_grad=True)
    Generator(3, width=4)(torch.rand(2, 3, 64, 96), heatmaps).square().sum().backward()
    assert heatmaps.grad is not None
    assert (heatmaps.grad.abs().sum((2, 3)) > 0).all()
