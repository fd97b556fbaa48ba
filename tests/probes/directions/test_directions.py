import hashlib

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from probes.directions import Directions
from probes.errors import UsageError

VECTORS = torch.randn(4, 2, 9, generator=torch.Generator().manual_seed(0))
BROKEN = VECTORS.clone()
BROKEN[2, 1, 0] = torch.nan
EMPTY = VECTORS.clone()
EMPTY[3, 0] = 0


def test_customary_names_follow_from_the_number_of_axes():
    assert Directions(VECTORS).dims == ("feature_class", "view", "dim")
    assert Directions(VECTORS[0]).dims == ("feature", "dim")


def test_flat_directions_count_views_fastest():
    flat = Directions(VECTORS).flat()

    assert [flat[2 * j + v].tolist() for j in range(4) for v in range(2)] == [
        VECTORS[j, v].tolist() for j in range(4) for v in range(2)
    ]


def test_directions_are_placed_once_where_a_weight_is():
    directions = Directions(VECTORS)
    placed = directions.columns(like=torch.zeros(1, dtype=torch.float64))

    assert [column.tolist() for column in placed.T] == VECTORS.double().flatten(0, 1).tolist()
    assert directions.columns(like=torch.zeros(1, dtype=torch.float64)) is placed


def test_directions_are_a_copy():
    vectors = VECTORS.clone()
    directions = Directions(vectors)
    vectors.zero_()

    assert torch.equal(directions.vectors, VECTORS)


def test_an_array_that_cannot_be_written_to_is_taken():
    vectors = VECTORS.numpy().copy()
    vectors.setflags(write=False)

    assert torch.equal(Directions(vectors).vectors, VECTORS)


@pytest.mark.parametrize("given", [torch.float16, torch.bfloat16, torch.float32])
def test_directions_are_kept_in_float32_at_least(given):
    assert Directions(VECTORS.to(given)).vectors.dtype == torch.float32


def test_only_unit_vectors_in_order_are_the_identity():
    assert Directions(torch.eye(6).reshape(3, 2, 6)).is_identity
    assert not Directions(torch.eye(6).flip(0)).is_identity
    assert not Directions(torch.eye(6)[:4]).is_identity


def test_the_hash_knows_the_values():
    assert Directions(VECTORS).sha256 == Directions(VECTORS.numpy()).sha256
    assert Directions(VECTORS).sha256 != Directions(VECTORS * 2).sha256


def test_what_is_stored_has_names_labels_and_values():
    stored = Directions(VECTORS, labels={"view": ("left", "right")}).stored()

    assert stored.names == ("feature_class", "view")
    assert stored.labels == {"view": ("left", "right")}
    np.testing.assert_array_equal(stored.vectors, VECTORS)


def test_files_give_the_directions_they_hold(tmp_path):
    np.save(tmp_path / "a.npy", VECTORS.numpy())
    save_file({"any": VECTORS}, tmp_path / "a.safetensors")

    assert {Directions.read(tmp_path / name).sha256 for name in ("a.npy", "a.safetensors")} == {
        Directions(VECTORS).sha256
    }


def test_the_null_set_keeps_names_labels_norms_and_type():
    given = Directions(VECTORS.double() * 3, labels={"view": ("left", "right")})
    null = given.null(seed=1)

    assert (null.names, null.labels, null.shape, null.vectors.dtype) == (
        ("feature_class", "view"),
        {"view": ("left", "right")},
        (4, 2, 9),
        torch.float64,
    )
    torch.testing.assert_close(null.vectors.norm(dim=-1), 3 * VECTORS.double().norm(dim=-1))


def test_the_null_set_says_what_it_is():
    given = Directions(VECTORS)

    assert given.null(seed=1).facts == {
        "estimator": "null(seed=1)",
        "null_of": given.sha256,
        "orthogonal_to": "each other",
    }


def test_the_null_set_is_its_seed_and_leaves_the_global_one():
    before = torch.get_rng_state()
    one, again, other = (Directions(VECTORS).null(seed) for seed in (1, 1, 2))

    assert one.sha256 == again.sha256 != other.sha256
    assert torch.equal(torch.get_rng_state(), before)


def test_cosines_are_inner_products_over_norms():
    one, other = Directions(VECTORS), Directions(VECTORS[1:, 0] * 2)
    expected = [[float(a @ b / (a.norm() * b.norm())) for b in other.flat()] for a in one.flat()]

    np.testing.assert_allclose(one.cosines(other), expected, atol=1e-6)
    torch.testing.assert_close(one.cosines().diagonal(), torch.ones(8, dtype=torch.float64))


def test_facts_are_no_part_of_the_hash_and_are_stored():
    facts = {"estimator": "by hand", "stability": 0.5, "samples": 3}
    directions = Directions(VECTORS, facts=facts)

    assert directions.sha256 == Directions(VECTORS).sha256
    assert directions.stored().facts == directions.facts == facts


def test_what_is_written_is_read_again(tmp_path):
    given = Directions(VECTORS, ("left", "right"), labels={"right": ("a", "b")}, facts={"samples": 3, "stability": 0.5})
    given.write(tmp_path / "a.safetensors")
    read = Directions.read(tmp_path / "a.safetensors")

    assert (read.sha256, read.names, read.labels, read.facts) == (given.sha256, given.names, given.labels, given.facts)


def test_a_file_that_keeps_no_facts_is_named_with_its_hash(tmp_path):
    np.save(tmp_path / "a.npy", VECTORS.numpy())

    assert Directions.read(tmp_path / "a.npy").facts == {
        "estimator": "read(a.npy)",
        "data_sha256": hashlib.sha256((tmp_path / "a.npy").read_bytes()).hexdigest(),
    }


def test_planted_directions_that_were_written_have_no_facts(tmp_path):
    Directions(VECTORS).write(tmp_path / "a.safetensors")

    assert Directions.read(tmp_path / "a.safetensors").facts == {}


def test_a_pickle_in_an_array_file_is_never_loaded(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object))

    with pytest.raises(UsageError, match="Object arrays cannot be loaded when allow_pickle=False"):
        Directions.read(tmp_path / "a.npy")


def test_a_notebook_shows_axes_norms_and_overlap():
    shown = Directions(torch.tensor([[3.0, 4.0], [1.0, 0.0]]))._repr_html_()

    assert "Directions(feature=2, dim=2)" in shown
    assert "1 to 5" in shown
    assert "<td>0.6</td>" in shown


def test_a_notebook_shows_facts_as_text():
    shown = Directions(torch.eye(2), facts={"estimator": "f(<b>)", "stability": 0.98765, "samples": 1000})._repr_html_()

    assert "<th>estimator</th><td>f(&lt;b&gt;)</td>" in shown
    assert "<td>0.9877</td>" in shown
    assert "<td>1000</td>" in shown


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Directions(VECTORS.int()), "expected `vectors` of floating point, got torch.int32"),
        (lambda: Directions(VECTORS[0, 0]), "expected `vectors` of shape (feature, dim) or more axes, got (9,)"),
        (lambda: Directions(BROKEN), "expected finite `vectors`, got direction (2, 1) with NaN or inf"),
        (lambda: Directions(EMPTY), "expected non-zero `vectors`, got direction (3, 0) of all zeros"),
        (
            lambda: Directions(VECTORS[None]),
            "expected `names` for `vectors` of shape (1, 4, 2, 9), which have no customary names",
        ),
        (
            lambda: Directions(VECTORS, ("feature",)),
            "expected 2 different `names` for `vectors` of shape (4, 2, 9), got ('feature',)",
        ),
        (
            lambda: Directions(VECTORS, labels={"view": ["left"]}),
            "expected `labels` for axes of lengths {'feature_class': 4, 'view': 2}, got 1 for `view`",
        ),
        (
            lambda: Directions(VECTORS).cosines(Directions(torch.eye(3))),
            "expected directions of dim 9, got Directions(feature=3, dim=3)",
        ),
        (
            lambda: Directions(VECTORS, facts={"seeds": [1]}),
            "expected `facts` of text and numbers, got list for `seeds`",
        ),
        (
            lambda: Directions(VECTORS, facts={"stability": float("nan")}),
            "expected finite numbers in `facts`, got nan for `stability`",
        ),
    ],
)
def test_vectors_that_are_no_directions_are_refused(make, message):
    with pytest.raises((TypeError, ValueError), match="expected") as refused:
        make()

    assert str(refused.value) == message


def test_a_file_without_directions_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("zero.npy", np.zeros((2, 3)))
    save_file({"a": VECTORS, "b": VECTORS + 1}, "two.safetensors")
    save_file({"a": VECTORS}, "odd.safetensors", {"directions": "?"})
    save_file({"a": VECTORS}, "list.safetensors", {"directions": "[1]"})
    refusals = {
        "zero.npy": "`zero.npy`: expected non-zero `vectors`, got direction (0,) of all zeros",
        "two.safetensors": "`two.safetensors`: expected one tensor, got 2 (a, b)",
        "none.npy": "`none.npy`: [Errno 2] No such file or directory: 'none.npy'",
        "none.safetensors": "`none.safetensors`: No such file or directory: none.safetensors",
        "odd.safetensors": "`odd.safetensors`: Expecting value: line 1 column 1 (char 0)",
        "list.safetensors": "`list.safetensors`: 'list' object has no attribute 'get'",
    }

    for path, reason in refusals.items():
        with pytest.raises(UsageError, match="no directions") as refused:
            Directions.read(path)
        assert str(refused.value) == f"no directions could be read from {reason}"


def test_a_file_of_another_kind_is_refused():
    with pytest.raises(UsageError, match=r"^expected directions in a \.npy or \.safetensors file, got `a\.pt`$"):
        Directions.read("a.pt")


def test_directions_are_written_to_a_kind_of_file_that_keeps_everything(tmp_path):
    with pytest.raises(UsageError, match=r"^expected a \.safetensors file to write directions to, got `a\.npy`$"):
        Directions(VECTORS).write("a.npy")
    with pytest.raises(UsageError, match=r"^no directions could be written to `.*none/a\.safetensors`: .*No such file"):
        Directions(VECTORS).write(tmp_path / "none" / "a.safetensors")


WAVES = Directions(VECTORS, ("frequency", "phase"), component="phase")


def test_a_component_axis_survives_its_file(tmp_path):
    WAVES.write(tmp_path / "a.safetensors")
    read = Directions.read(tmp_path / "a.safetensors")

    assert (read.component, read.sha256) == ("phase", WAVES.sha256)
    assert WAVES.stored().component == WAVES.null().component == "phase"


def test_a_file_that_knows_no_component_has_none(tmp_path):
    Directions(VECTORS).write(tmp_path / "a.safetensors")
    with safe_open(tmp_path / "a.safetensors", framework="pt") as file:
        assert "component" not in file.metadata()["directions"]

    assert Directions.read(tmp_path / "a.safetensors").component == ""


def test_the_component_is_part_of_the_hash():
    assert WAVES.sha256 != Directions(VECTORS, ("frequency", "phase")).sha256
    assert WAVES.sha256 != Directions(VECTORS, ("frequency", "phase"), component="frequency").sha256


@pytest.mark.parametrize(("names", "component"), [(("frequency", "phase"), "view"), (("feature",), "feature")])
def test_a_component_that_is_no_axis_beside_others_is_refused(names, component):
    vectors = VECTORS if len(names) > 1 else VECTORS[0]
    with pytest.raises(ValueError, match="expected as `component`") as refused:
        Directions(vectors, names, component=component)

    assert str(refused.value) == f"expected as `component` one axis beside others, got {component!r} of {names}"


def test_a_component_axis_is_shown():
    assert repr(WAVES) == "Directions(frequency=4, phase=2, dim=9, component='phase')"
    assert "component=&#x27;phase&#x27;" in WAVES._repr_html_()
