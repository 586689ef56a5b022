"""Swin's windows are padded before they shift, in the network and in its copies."""

import copy

import timm
import torch

from gdsweep.model.window_padding import pad_before_shift

SWIN = {"embed_dim": 24, "depths": (2, 2), "num_heads": (2, 4), "window_size": 7}


def swin() -> torch.nn.Module:
    return timm.create_model(
        "swin_tiny_patch4_window7_224", img_size=56, strict_img_size=False, **SWIN
    ).eval()


def test_nothing_changes_where_windows_divide_the_map() -> None:
    net = swin()
    image = torch.randn(1, 3, 56, 56)
    with torch.no_grad():
        before = net.forward_features(image)
        pad_before_shift(net)
        assert torch.equal(net.forward_features(image), before)


def test_a_map_is_as_if_padded_by_hand() -> None:
    net = swin()
    shifted = net.layers[0].blocks[1]
    x = torch.randn(1, 10, 16, 24)
    padded = torch.nn.functional.pad(x, (0, 0, 0, 5, 0, 4))
    with torch.no_grad():
        plain = shifted._attn(x)
        wanted = shifted._attn(padded)[:, :10, :16]
        pad_before_shift(net)
        assert torch.equal(shifted._attn(x), wanted)
    assert not torch.equal(plain, wanted)


def test_a_copy_uses_its_own_weights() -> None:
    net = swin()
    pad_before_shift(net)
    teacher = copy.deepcopy(net)
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        before = teacher.forward_features(image)
        for parameter in net.parameters():
            parameter.zero_()
        assert torch.equal(teacher.forward_features(image), before)
