"""Cluster profiles: how one is chosen, and what it says of a run's shape."""

import os
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
        ("partitoin: gpu", "bad.yaml:1: partitoin: unknown key; did you mean partition"),
        ("qos: a\nhours: -1", "bad.yaml:2: hours: -1 is not a number .more than 0"),
        ("hours: 20:00:00", "hours: 20:00:00 is not a number"),
        ("hours: .inf", "hours: .inf is not a finite number"),
        ("account: 012345", "account: 12345 is not text"),
        ("partition: a\npartition: b", "bad.yaml:2: partition: given twice"),
        ("[a]", "bad.yaml:1: the file must be a mapping"),
        ("a: [", "bad.yaml:2: not YAML"),
        ("options: {array: 0-3}", "options.array: decided by the launch itself"),
        ("options: {no_requeue: true}", "options.no_requeue: decided by the launch itself"),
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


def test_words_of_yaml_1_2_and_flags_without_a_value(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("partition: on\noptions: {exclusive: true, mail-type: END, hold: false}\n")
    profile = read_profile(path)
    assert profile.partition == "on"
    assert profile.extra_options() == {"exclusive": True, "mail-type": "END"}
    assert profile.said() == ("partition", "exclusive", "mail-type", "hold")


def test_a_comment_of_the_site_goes_behind_the_id() -> None:
    profile = Profile(options={"comment": "team vision"})
    assert profile.comment("abc") == "abc team vision"
    assert "comment" not in profile.extra_options()
    assert Profile().comment("abc") == "abc"


def test_a_notice_that_leaves_nothing_of_the_limit_is_refused() -> None:
    short = Profile(name="p", hours=0.05, signal_seconds=180)
    with pytest.raises(BadInput, match=r"p: signal_seconds \(180\) must be less than .* \(3 min"):
        short.minutes(ResourceSettings())
    assert Profile(hours=0.05, signal_seconds=179).minutes(ResourceSettings()) == 3


def test_a_profile_names_the_cluster_of_every_command(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_CLUSTERS", "other")
    (folder / "far.yaml").write_text("cluster: far\n")
    choose_profile("far", [folder])
    assert os.environ["SLURM_CLUSTERS"] == "far"


def test_shipped_profiles_are_valid() -> None:
    for path in (ROOT / "clusters").glob("*.yaml"):
        assert read_profile(path).name == path.stem
