from pathlib import Path

import numpy as np
import pytest

from probes.directions.checks import _NAMES
from probes.errors import UsageError
from probes.launch.tap_text import _CUSTOMARY, TapText, parse_tap

V = Path("V.npy")


@pytest.fixture(autouse=True)
def _files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("V.npy", np.ones((3, 2, 6)))
    np.savez("data.npz", x=np.ones((4, 6)), y=np.arange(4))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("w=V.npy", {"file": V}),
        ("w=V.npy:transposed", {"file": V, "transposed": True}),
        ("w=V.npy:split=3,-1", {"file": V, "split": (3, -1), "dims": ("projection", "neuron")}),
        ("w=V.npy:split=3,4,-1", {"file": V, "split": (3, 4, -1), "dims": ("projection", "head", "neuron")}),
        ("w=V.npy:dims=head,neuron", {"file": V, "dims": ("head", "neuron")}),
        ("w=V.npy:transposed:dims=unit", {"file": V, "transposed": True, "dims": ("unit",)}),
        ("w=V.npy:dims=a,b:split=2,5", {"file": V, "split": (2, 5), "dims": ("a", "b")}),
        (
            "w=V.npy:names=frequency,phase:component=phase",
            {"file": V, "names": ("frequency", "phase"), "component": "phase"},
        ),
        ("w=missing.npy:transposed", {"file": Path("missing.npy"), "transposed": True}),
        ("w=a:b.npy", {"file": Path("a:b.npy")}),
        ("w=class_means(data.npz)", {"file": Path("data.npz"), "estimator": "class_means"}),
        (
            "w=dictionary(a,b.npz, features=16,seed=1):transposed",
            {
                "file": Path("a,b.npz"),
                "estimator": "dictionary",
                "settings": {"features": 16, "seed": 1},
                "transposed": True,
            },
        ),
        (
            "w=class_means(data.npz,contrast=pairs,whiten=true,shrinkage=0.5)",
            {
                "file": Path("data.npz"),
                "estimator": "class_means",
                "settings": {"contrast": "pairs", "whiten": True, "shrinkage": 0.5},
            },
        ),
    ],
)
def test_a_tap_is_taken_apart(text, expected):
    assert parse_tap(text) == ("w", TapText(typed=f"--tap {text}", **expected))


@pytest.mark.parametrize("name", ["a:transposed", "class_means(x)", "b:c.npy"])
def test_a_file_that_is_there_as_typed_is_that_file(name):
    Path(name).touch()

    assert parse_tap(f"w={name}")[1].file == Path(name)


def test_a_file_with_a_colon_can_have_a_layout():
    Path("a:b.npy").touch()
    _, tap = parse_tap("w=a:b.npy:transposed")

    assert (tap.file, tap.transposed) == (Path("a:b.npy"), True)


FORMS = ":transposed, :split=LENGTHS, :dims=NAMES, :names=NAMES or :component=NAME, each once"
MISUSES = {
    "w": "expected --tap NAME=FILE, got 'w', for example --tap conv1.weight=patches.npy",
    "w=V.npy:transpose": f"expected in `--tap w=V.npy:transpose` {FORMS}, got `:transpose`",
    "w=V.npy:transposed=1": f"expected in `--tap w=V.npy:transposed=1` {FORMS}, got `:transposed=1`",
    "w=V.npy:split": f"expected in `--tap w=V.npy:split` {FORMS}, got `:split`",
    "w=V.npy:dims=a:dims=b": f"expected in `--tap w=V.npy:dims=a:dims=b` {FORMS}, got `:dims=b`",
    "w=V.npy:split=3,x": (
        "expected in `--tap w=V.npy:split=3,x` lengths after :split=, one of them -1 at most, got `3,x`"
    ),
    "w=V.npy:split=-1,-1": (
        "expected in `--tap w=V.npy:split=-1,-1` lengths after :split=, one of them -1 at most, got `-1,-1`"
    ),
    "w=V.npy:split=2,2,2,2": (
        "expected in `--tap w=V.npy:split=2,2,2,2` names for 4 lengths, as :dims=NAMES, got none"
    ),
    "w=V.npy:split=2,3:dims=a": "expected in `--tap w=V.npy:split=2,3:dims=a` a name in :dims for each of 2 lengths, "
    "got a",
    "w=V.npy:dims=a,a": "expected in `--tap w=V.npy:dims=a,a` different names with commas between them after :dims=, "
    "got `a,a`",
    "w=V.npy:component=a,b": "expected in `--tap w=V.npy:component=a,b` one name after :component=, got `a,b`",
    "w=means(data.npz)": (
        "expected in `--tap w=means(data.npz)` an estimator of class_means, dictionary, linear_probes, "
        "nonnegative_parts, patch_components, reference_weights, got `means`"
    ),
    "w=class_means(data.npz,x=1)": (
        "expected in `--tap w=class_means(data.npz,x=1)` settings of contrast, whiten, shrinkage, seed, got `x`"
    ),
    "w=class_means(data.npz,seed=1,seed=2)": (
        "expected in `--tap w=class_means(data.npz,seed=1,seed=2)` settings of contrast, whiten, shrinkage, seed, "
        "got `seed` twice"
    ),
    "w=dictionary(data.npz)": (
        "expected in `--tap w=dictionary(data.npz)` the number of directions, as in dictionary(data.npz,features=8)"
    ),
    "w=class_means()": "expected in `--tap w=class_means()` a file, as in class_means(data.npz)",
    "w=class_means(data.npz,seed=x)": (
        "expected in `--tap w=class_means(data.npz,seed=x)` an integer for `seed`, got `x`"
    ),
    "w=class_means(data.npz,whiten=yes)": (
        "expected in `--tap w=class_means(data.npz,whiten=yes)` true or false for `whiten`, got `yes`"
    ),
}


@pytest.mark.parametrize("text", MISUSES)
def test_what_is_no_tap_is_refused_in_a_line(text):
    with pytest.raises(UsageError) as caught:
        parse_tap(text)

    assert str(caught.value) == MISUSES[text]


FILES = {
    "w=none.npy": "no directions could be read from `none.npy`: No such file or directory",
    "w=V.npy:names=a": (
        "expected in `--tap w=V.npy:names=a` 2 names for the axes before the last of shape (3, 2, 6), as "
        ":names=axis1,axis2, got 1 (a)"
    ),
    "w=V.npy:component=phase": (
        "expected :component of `--tap w=V.npy:component=phase` among feature_class, view, got `phase`"
    ),
    "w=V.npy:dims=view": (
        "expected in `--tap w=V.npy:dims=view` other names for the parameter's axes than for the directions', got view "
        "for both"
    ),
    "w=four.npy": (
        "expected in `--tap w=four.npy` 3 names for the axes before the last of shape (2, 2, 2, 2), as "
        ":names=axis1,axis2,axis3, got none"
    ),
    "w=class_means(V.npy)": "expected samples in a .npz file, got `V.npy`",
    "w=reference_weights(V.npy)": (
        "expected weights in a .safetensors file, or a run's directory that has them, got `V.npy`"
    ),
}


@pytest.mark.parametrize("text", FILES)
def test_what_does_not_fit_its_file_is_found_without_torch(text):
    np.save("four.npy", np.ones((2, 2, 2, 2)))
    with pytest.raises(UsageError) as caught:
        parse_tap(text)[1].check()

    assert str(caught.value) == FILES[text]


def test_files_are_found_from_another_directory(tmp_path, monkeypatch):
    _, tap = parse_tap("w=reference_weights(a.safetensors,again=b.safetensors)")
    absolute = tap.absolute()
    monkeypatch.chdir("/")

    assert (absolute.file, absolute.settings) == (tmp_path / "a.safetensors", {"again": f"{tmp_path}/b.safetensors"})


def test_customary_names_are_those_of_directions():
    assert _CUSTOMARY == _NAMES
