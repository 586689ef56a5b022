"""Shipped data sets and backbones, one YAML file each, and the user's own data sets."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from pydantic import Field, TypeAdapter

from gdsweep.config import FORMATS, DataSettings, Settings
from gdsweep.config.coco_format import CATALOG
from gdsweep.grid.assignments import Block, Origin, Reader
from gdsweep.grid.catalog import catalog_dataset, catalog_fault
from gdsweep.grid.messages import find_fault
from gdsweep.grid.names import BASICS, PRESETS, backbone_names, dataset_names, nearest
from gdsweep.grid.schema import Rule
from gdsweep.grid.yaml_lines import Document, KeyPath, plain, read_yaml

_DATASET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_SCOPE = dict.fromkeys(BASICS)  # a preset's rules may ask for any basic, of any value


class Extras(Settings):
    """What a preset adds to the default settings."""

    settings: dict[str, Any] = Field(default_factory=dict)
    """As in a grid; the grid's own settings win."""
    rules: list[Rule] = Field(default_factory=list)
    """As in a grid; `when` may name dataset, labels, backbone, method and seed."""


class BackbonePreset(Extras):
    """`presets/backbones/NAME.yaml`."""

    timm: str
    """timm's model name with the tag of its weights."""


@dataclass(frozen=True)
class Dataset:
    """A data set by name, and the settings that come with it."""

    data: DataSettings
    extras: Block
    origin: Origin | None = None
    """Where its fields are given; None for one of detectron2's catalog."""


@dataclass(frozen=True)
class Backbone:
    """A backbone by name, and the settings that come with it."""

    timm: str
    extras: Block


@cache
def shipped_dataset(name: str) -> Dataset:
    """The shipped data set of that name; a relative root lies beside its file."""
    folder = PRESETS / "datasets"
    document = read_yaml(folder / f"{name}.yaml")
    document.name = f"preset {name}"
    dataset = _dataset(document, (), name, document.value)
    return replace(dataset, data=dataset.data.rooted(folder))


def named_dataset(name: str, datasets: Mapping[str, Dataset]) -> Dataset:
    """One of `datasets`, or one of detectron2's catalog (see `catalog`)."""
    return datasets.get(name) or Dataset(catalog_dataset(name, name), Block())


@cache
def backbone(name: str) -> Backbone:
    """The backbone of that name: a preset, or else a timm name as it is."""
    if name not in backbone_names():
        return Backbone(name, Block())
    document = read_yaml(PRESETS / "backbones" / f"{name}.yaml")
    document.name = f"preset {name}"
    fault = find_fault(BackbonePreset, document.value)
    if fault is not None:
        document.fail(*fault)
    preset = BackbonePreset.model_validate(document.value)
    return Backbone(preset.timm, _extras(document, (), preset))


def user_datasets(
    document: Document, entries: Mapping[str, dict[str, Any] | str]
) -> dict[str, Dataset]:
    """The data sets under `datasets:` of a grid.

    Raises BadInput for a name that is not allowed or belongs to a preset, and for wrong keys.
    """
    found = {}
    for name, entry in entries.items():
        path = ("datasets", name)
        if not _DATASET_NAME.fullmatch(name):
            document.fail(
                path, f"{plain(name)} is no name: up to 40 letters, digits and . _ -, no space or /"
            )
        if name in dataset_names():
            document.fail(path, f"{name} is a shipped data set; give yours another name")
        if isinstance(entry, str):
            found[name] = _of_catalog(document, path, name, entry)
        else:
            found[name] = _dataset(document, path, name, entry)
    return found


def _of_catalog(document: Document, path: KeyPath, name: str, entry: str) -> Dataset:
    if not entry.startswith(CATALOG):
        document.fail(
            path, f"{plain(entry)} is not a mapping (format, train, val) or {CATALOG}NAME"
        )
    fault = catalog_fault(entry)
    if fault is not None:
        document.fail(path, fault)
    return Dataset(catalog_dataset(entry, name), Block())


def _dataset(document: Document, path: KeyPath, name: str, entry: dict[Any, Any]) -> Dataset:
    extra_keys = set(Extras.model_fields)
    data = {"name": name, **{k: v for k, v in entry.items() if k not in extra_keys}}
    if "name" in entry:
        document.fail((*path, "name"), f"unknown key; the name is {name}, the key it stands under")
    fault = find_fault(DataSettings, data)
    if fault is not None and len(fault[0]) == 1 and fault[1].startswith("unknown key"):
        fields = FORMATS[data["format"]].model_fields
        valid = [key for key in (*fields, *extra_keys) if key != "name"]
        fault = fault[0], f"unknown key{nearest(fault[0][0], valid)}"
    if fault is None:
        data_settings: DataSettings = TypeAdapter(DataSettings).validate_python(data)
        given = {k: v for k, v in entry.items() if k in extra_keys}
        fault = find_fault(Extras, given)
    if fault is not None:
        document.fail((*path, *fault[0]), fault[1])
    extras = _extras(document, path, Extras.model_validate(given))
    return Dataset(data_settings, extras, Origin(document, path))


def _extras(document: Document, path: KeyPath, extras: Extras) -> Block:
    reader = Reader(document, _SCOPE, dataset_names(), basics=False)
    block = reader.block((*path, "settings"), extras.settings)
    return block + reader.rules((*path, "rules"), extras.rules)
