import hashlib
import json

import numpy as np
import pytest
import torch

from probes.estimators import Patches
from probes.estimators import reading as module
from probes.estimators.reading import Reading, hash_of, settings

GENERATOR = torch.Generator().manual_seed(0)
INPUTS = torch.randn(50, 4, 3, generator=GENERATOR)
LABELS = torch.randint(3, (50,), generator=GENERATOR)
BROKEN = INPUTS.clone()
BROKEN[37, 2, 1] = torch.inf


def read(*arguments, **options):
    """All rows of a reading joined, and its facts."""
    reading = Reading(*arguments, **options)
    parts = [vars(rows).values() for rows in reading]
    return *(torch.cat(part) for part in zip(*parts, strict=True)), reading.facts


def test_rows_are_patches_of_samples_with_the_label_of_their_sample():
    values, labels, half, _ = read(INPUTS, LABELS, labelled=True)

    assert values.dtype == torch.float64
    assert values.tolist() == [patch.tolist() for sample in INPUTS for patch in sample]
    assert labels.tolist() == [int(label) for label in LABELS for _ in range(4)]
    assert all(len(set(half[4 * n : 4 * n + 4].tolist())) == 1 for n in range(50))


def test_batches_are_read_as_the_whole_is(monkeypatch):
    monkeypatch.setattr(module, "_VALUES_AT_ONCE", 1)
    batches = [(INPUTS[a:b], LABELS[a:b]) for a, b in ((0, 1), (1, 1), (1, 30), (30, 50))]
    *whole, facts = read(INPUTS, LABELS, labelled=True, seed=3)
    *parts, facts_of_parts = read(iter(batches), labelled=True, seed=3)

    assert all(torch.equal(one, other) for one, other in zip(whole, parts, strict=True))
    assert facts == facts_of_parts
    assert facts["samples"] == 50


def test_arrays_lists_and_loaders_are_read_alike(tmp_path):
    np.save(tmp_path / "inputs.npy", INPUTS.numpy())
    mapped = np.load(tmp_path / "inputs.npy", mmap_mode="r")
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(INPUTS, LABELS), batch_size=7)
    given = [INPUTS, INPUTS.numpy(), mapped, loader, [INPUTS.mT.contiguous().mT], [mapped]]
    facts = [read(inputs)[-1] for inputs in given]

    assert facts == [facts[0]] * len(given)


def test_the_halves_are_their_seed_and_leave_the_global_one():
    before = torch.get_rng_state()
    one, again, other = (read(INPUTS, seed=seed)[2] for seed in (1, 1, 2))

    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert 0.25 < float(one.double().mean()) < 0.75
    assert torch.equal(torch.get_rng_state(), before)


def test_data_drawn_from_the_same_seed_are_in_both_halves():
    labels = torch.randint(2, (1000,), generator=torch.Generator().manual_seed(0))
    _, labels, half, _ = read(torch.ones(1000, 1), labels, labelled=True, seed=0)

    assert 0.4 < float((labels == half).double().mean()) < 0.6


def test_the_hash_is_that_of_type_shape_and_bytes():
    form = json.dumps(["torch.float32", [4, 3]]).encode()
    expected = hashlib.sha256(form + INPUTS.numpy().tobytes()).hexdigest()

    assert read(INPUTS)[-1]["data_sha256"] == hash_of(INPUTS) == expected


def test_the_hash_knows_values_order_type_and_labels():
    given = [INPUTS, INPUTS + 1e-3, INPUTS.flip(0), INPUTS.double(), INPUTS.bfloat16()]
    hashes = {read(inputs)[-1]["data_sha256"] for inputs in given}
    hashes |= {read(INPUTS, labels, labelled=True)[-1]["data_sha256"] for labels in (LABELS, LABELS.flip(0))}

    assert len(hashes) == 7


def test_a_layout_makes_the_rows_without_gradients():
    layer = torch.nn.Linear(3, 5)
    values, *_ = read(INPUTS, layout=layer)

    assert not values.requires_grad
    torch.testing.assert_close(values, layer(INPUTS).flatten(0, 1).double())


def test_settings_name_a_layout():
    assert settings(None) == "none"
    assert settings(torch.nn.Sequential(torch.nn.Flatten())) == "Sequential"
    assert settings(torch.relu) == "relu"
    assert settings(Patches((3, 2), padding="same")) == (
        "Patches(kernel_size=(3, 2), stride=1, padding=same, dilation=1, padding_mode=zeros)"
    )


SHAPES = (
    "expected inputs (sample, dim) or (sample, patch, dim), got shape {}; name a layout: "
    "Patches(kernel_size) for a convolution, torch.nn.Flatten() for a linear layer"
)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((INPUTS,), "expected `labels` beside an array of inputs, or batches (inputs, labels), got neither"),
        (([INPUTS],), "expected batches (inputs, labels), got one of Tensor"),
        (([INPUTS], LABELS), "expected batches (inputs, labels), got `labels` apart from them"),
        (([("a", "b")],), "expected batches of tensors or arrays, got str"),
        ((INPUTS.cfloat(), LABELS), "expected real numbers, got torch.complex64"),
        ((INPUTS, LABELS.float()), "expected `labels` of integers, got torch.float32"),
        ((INPUTS, LABELS[1:]), "expected `labels` of shape (50,), got (49,)"),
        ((INPUTS, LABELS - 1), "expected `labels` from 0 on, got -1"),
        ((torch.tensor(1.0), LABELS), "expected inputs with an axis of samples, got a single number"),
        ((INPUTS[:, 0, 0], LABELS), SHAPES.format("(50,)")),
        ((INPUTS.unsqueeze(1), LABELS), SHAPES.format("(50, 1, 4, 3)")),
        ((BROKEN, LABELS), "expected finite data, got NaN or an infinite value in sample 37"),
        ((INPUTS[:0], LABELS[:0]), "expected data with at least one sample, got none"),
        (([],), "expected data with at least one sample, got none"),
        (([(INPUTS, LABELS), (INPUTS[..., 1:], LABELS)],), "expected dim 3 as in the first batch, got 2"),
    ],
)
def test_data_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises((TypeError, ValueError), match="expected") as refused:
        read(*arguments, labelled=True)

    assert str(refused.value) == message
