"""Cluster profiles: how one is chosen, and what it says of a run's shape."""

import socket
from pathlib import Path

import pytest

from gdsweep.cluster.slurm.profile import Profile, choose_profile, read_profile
from gdsweep.config import ResourceSettings
from gdsweep.errors import BadInput

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("GDSWEEP_CLUSTER", raising=False)
    (tmp_path / "red.yaml").write_text("partition: red\nhosts: [red-login*]\n")
    (tmp_path / "blue.yaml").write_text("partition: blue\n")
    return tmp_path


def test_flag_then_variable_then_host(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_profile(None, [folder]).name == "default"
    monkeypatch.setattr(socket, "gethostname", lambda: "red-login3")
    assert choose_profile(None, [folder]).partition == "red"
    monkeypatch.setenv("GDSWEEP_CLUSTER", "blue")
    assert choose_profile(None, [folder]).partition == "blue"
    assert choose_profile("red", [folder]).partition == "red"
    assert choose_profile(str(folder / "blue.yaml"), []).name == "blue"


def test_an_unknown_profile_names_those_there_are(folder: Path) -> None:
    with pytest.raises(BadInput, match=r"green: no such cluster profile .* there are: blue, red"):
        choose_profile("green", [folder])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("partitoin: gpu", "partitoin: .*; keys are hosts, partition"),
        ("hours: -1", "hours: Input should be greater than 0"),
        ("[a]", "a cluster profile is keys and values"),
        ("a: [", "not readable"),
    ],
)
def test_a_bad_profile_is_one_line(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(BadInput, match=words) as caught:
        read_profile(path)
    assert "\n" not in str(caught.value)


def test_one_task_per_gpu_and_the_same_world_on_other_nodes() -> None:
    two = ResourceSettings(nodes=2, gpus=8)
    assert Profile().shape(two) == (2, 8, 8)
    assert Profile(gpus_per_node=4).shape(two) == (4, 4, 4)
    assert Profile(gpus_per_node=16).shape(two) == (1, 16, 16)
    assert Profile(gpus_per_node=8).shape(ResourceSettings(gpus=2)) == (1, 2, 2)
    assert Profile().shape(ResourceSettings(gpus=0)) == (1, 1, 0)
    assert Profile().shape(ResourceSettings(gpus=8, device="cpu")) == (1, 1, 0)
    with pytest.raises(BadInput, match="16 GPUs cannot be shared out to nodes of 3"):
        Profile(gpus_per_node=3).shape(two)


def test_the_limit_is_the_shorter_one() -> None:
    resources = ResourceSettings(hours=72)
    assert Profile().minutes(resources) == 72 * 60
    assert Profile(hours=24).minutes(resources) == 24 * 60


def test_shipped_profiles_are_valid() -> None:
    for path in (ROOT / "clusters").glob("*.yaml"):
        assert read_profile(path).name == path.stem
