"""Tables of patterns from our names to theirs."""

from gdsweep.interop.names import names_of

TABLE = (
    ("net.layer{a}.{b}.conv{c}.*", "res{a+1}.{b}.layer.{c-1}.*"),
    ("net.qkv.*", "attention.{query|key|value}.*"),
    ("net.*", "rest.*"),
)


def test_numbers_are_shifted_and_the_rest_is_kept() -> None:
    assert names_of("net.layer1.10.conv3.weight", TABLE) == ("res2.10.layer.2.weight",)


def test_one_of_ours_may_be_several_of_theirs() -> None:
    names = tuple(f"attention.{word}.bias" for word in ("query", "key", "value"))
    assert names_of("net.qkv.bias", TABLE) == names


def test_the_first_pattern_counts_and_dots_are_dots() -> None:
    assert names_of("net.layerX.weight", TABLE) == ("rest.layerX.weight",)
    assert names_of("netXqkv.weight", TABLE) == ()
