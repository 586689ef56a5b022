"""timm networks by name: what is said when one cannot be had, and weights from a file."""

import contextlib
import difflib
import io
import logging
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import timm
import torch
from timm.models._features import FeatureDictNet, FeatureGetterNet, FeatureListNet
from torch import Tensor

from gdsweep.config import ModelSettings
from gdsweep.config.model import NO_FILE
from gdsweep.config.paths import expanded
from gdsweep.config.weights_packages import weights_package
from gdsweep.errors import BadInput
from gdsweep.model import small_swin  # noqa: F401, registers `swin_test` with timm
from gdsweep.model.efficientnet_names import as_timm
from gdsweep.model.wrapped_names import unwrapped

log = logging.getLogger(__name__)

SUITABLE = "choose one with maps at strides 4, 8, 16 and 32, such as resnet50, or a ViT"

# buffers that follow from the architecture; files have them or not
_DERIVED = re.compile(r"(num_batches_tracked|relative_position_index|attn_mask|coords_table)$")


def create(settings: ModelSettings, **options: Any) -> Any:
    """timm's network `settings.backbone`, with timm's weights or random ones; files are `load`ed.

    Args:
        settings: name, weights and stochastic depth.
        options: further arguments of the network's constructor.

    Raises:
        BadInput: an unknown or unsuitable name, or weights that cannot be had.
    """
    name = settings.backbone
    _check_name(name)
    pretrained = settings.weights == "pretrained"
    options |= {"pretrained": pretrained}
    try:
        with _quiet_hub():
            try:
                # always said: some models' own default is not 0
                return timm.create_model(name, drop_path_rate=settings.drop_path, **options)
            except TypeError as error:
                if "drop_path_rate" not in str(error):
                    raise
            if settings.drop_path > 0:
                raise BadInput(f"model.drop_path: {name} has no stochastic depth; use 0")
            return timm.create_model(name, **options)
    except (OSError, RuntimeError, AttributeError, AssertionError, TypeError) as error:
        if pretrained:
            raise BadInput(
                f"model.weights: the pretrained weights of {name} cannot be had "
                f"({first_line(error)}); check the network, or use random or a local file"
            ) from None
        raise BadInput(
            f"model.backbone: {name} gives no feature maps ({first_line(error)}); {SUITABLE}"
        ) from None


def checkpoint_blocks(net: Any) -> None:
    """Have a network compute its blocks' activations again in the backward pass.

    Raises:
        BadInput: timm's network cannot, or has batch normalisation that is trained: its running
            statistics would count every image twice.
    """
    trained = any(isinstance(m, torch.nn.modules.batchnorm._BatchNorm) for m in net.modules())
    if trained:
        raise BadInput(
            "resources.activation_checkpointing: the backbone has batch normalisation, whose "
            "statistics would count images twice; valid: ViT, Swin, ConvNeXt"
        )
    try:
        net.set_grad_checkpointing(True)
    except (AssertionError, AttributeError) as error:
        raise BadInput(
            f"resources.activation_checkpointing: timm's network has none ({first_line(error)})"
        ) from None


def compile_net(net: Any) -> None:
    """Have a network compiled when it is first called: its blocks, where they lie in a row (ViT).

    Raises:
        BadInput: a CPU without a C++ compiler, which `torch.compile` needs there.
    """
    on_cpu = next(net.parameters()).device.type == "cpu"
    if on_cpu and not any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "clang++")):
        raise BadInput("resources.compile: there is no C++ compiler here (g++ or clang++, or CXX)")
    for module in getattr(net, "blocks", [net]):
        module.compile()


def _check_name(name: str) -> None:
    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        near = _nearest(architecture, timm.list_models())
        raise BadInput(f"model.backbone: timm has no model {architecture!r}; {near}")
    tags = [
        found.partition(".")[2] for found in timm.list_models(f"{architecture}.*", pretrained=True)
    ]
    if tag and tag not in tags:
        raise BadInput(
            f"model.backbone: timm's {architecture} has no weights {tag!r}; {_nearest(tag, tags)}"
        )


def load(net: Any, settings: ModelSettings) -> None:
    """Put the weights of a file or package, as `settings` says, into `net`; if neither, do nothing.

    A file that has other names than timm's (Meta's of DINOv2, DINOv3 and ConvNeXt, for example), or
    a patch embedding or table of positions of another size, is read as timm reads the original
    files of that network (its `checkpoint_filter_fn`); EfficientNet's see `efficientnet_names`.

    Raises:
        BadInput: the file cannot be read, or is of another network; the package is not installed.
    """
    if settings.weights == "package":
        path = weights_package(settings.backbone).path()
    elif settings.weights_file is not None:
        path = Path(expanded(settings.weights_file))
    else:
        return
    what = f"model.weights: {path}"
    if not path.is_file():
        raise BadInput(f"{what}: no such file; valid: {', '.join(NO_FILE)}, or a .pth/.safetensors")
    try:
        state = timm.models.load_state_dict(str(path), weights_only=True)
    except Exception as error:  # unpickling and safetensors raise all kinds
        raise BadInput(f"{what} cannot be read as weights ({first_line(error)})") from None
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise BadInput(f"{what} holds no state dict of tensors")
    state, _ = unwrapped(state)
    wrong = _misfits(net, state)
    if wrong:
        remapped = as_timm(net, state) or _remapped(net, state, settings.backbone)
        if remapped is not None and not _misfits(net, remapped):
            state, wrong = remapped, []
    if wrong:
        raise BadInput(f"{what} does not fit {settings.backbone}: it {'; it '.join(wrong)}")
    given = given_names(net, state)
    net.load_state_dict({k: state[g] for k, g in given.items() if g in state}, strict=False)


def given_names(net: Any, state: Mapping[str, Tensor]) -> dict[str, str]:
    """Names of the network's tensors, each with what a file of timm's calls it."""
    # a feature extractor's `layers_0.` is `layers.0.` in the classifier it was cut from
    return {key: key if key in state else _classifier_key(key) for key in net.state_dict()}


def _misfits(net: Any, state: Mapping[str, Tensor]) -> list[str]:
    """What keeps a file's tensors from being the network's, in words; nothing where they fit."""
    own, given = net.state_dict(), given_names(net, state)
    missing = [key for key in own if given[key] not in state and not _DERIVED.search(key)]
    reshaped = [
        key for key in own if given[key] in state and state[given[key]].shape != own[key].shape
    ]
    stages = {_stage(key) for key in given.values()}
    extra = [
        key
        for key in state
        if _stage(key) in stages and key not in given.values() and not _DERIVED.search(key)
    ]
    problems = [("misses", missing), ("has another shape of", reshaped), ("also has", extra)]
    return [f"{verb} {keys[0]} (of {len(keys)})" for verb, keys in problems if keys]


def _remapped(net: Any, state: dict[str, Tensor], name: str) -> dict[str, Tensor] | None:
    """The tensors by timm's names, as timm maps the original files; None where it does not."""
    architecture = name.partition(".")[0]
    module = sys.modules[timm.models.model_entrypoint(architecture).__module__]
    remap = getattr(module, "checkpoint_filter_fn", None)
    if remap is None:
        return None
    if isinstance(net, FeatureListNet | FeatureDictNet | FeatureGetterNet):
        with torch.device("meta"):  # it asks the whole network for its shapes
            net = timm.create_model(architecture, pretrained=False)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints which biases it leaves
            made: dict[str, Tensor] = remap(state, net)
    except (KeyError, RuntimeError, ValueError, AttributeError, IndexError) as error:
        log.debug("timm cannot map the file: %s", error)
        return None
    return made


def _classifier_key(key: str) -> str:
    return re.sub(r"^([a-z_]+)_(\d+)\.", r"\1.\2.", key)


def _stage(key: str) -> str:
    # layer4 of layer4.1.conv.weight: what a file has of other modules (its classifier) is its own
    return key.partition(".")[0]


def _nearest(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    return f"nearest: {', '.join(close or known[:3]) or 'none'}"


def first_line(error: BaseException) -> str:
    """The first line of an error's message, without its full stop."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(" .")


@contextlib.contextmanager
def _quiet_hub() -> Iterator[None]:
    # a failed download becomes one line of ours, not five of its retries
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
