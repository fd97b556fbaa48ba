import pytest

from probes.learners.objectives import CrossEntropy
from probes.learners.training import train
from probes.studies.recipe_files import built_in, override
from probes.studies.theory.material import Material
from probes.studies.theory.noise import noise_strength

PRIVATE = Material(override(built_in("tiny"), {"training.samples": "24"}))
GAUSSIAN = Material(override(PRIVATE.recipe, {"noise.form": "gaussian", "noise.dim": "60"}))


def patch_noise(material, networks, n, p, run, r):
    """The product of one patch's noise with one neuron of the sample's class."""
    label = int(material.training.labels[n])
    if networks.memory is not None:
        return float(networks.memory[n, p, run, label, r])
    planted = sum(
        a * v for a, v in zip(material.training.coefficients[n, p], material.features.flatten(0, 1), strict=True)
    )
    return float((material.training_inputs.design[n, p] - planted) @ networks.by_neuron[run, label, r])


@pytest.mark.parametrize("material", [PRIVATE, GAUSSIAN], ids=["private", "gaussian"])
def test_memorised_noise_is_the_sum_of_positive_products(material):
    networks = material.initialise([(0,), (1,)])
    found = noise_strength(networks, material)
    for name, single in (("noise_multi_view", False), ("noise_single_view", True)):
        rows = [n for n in range(24) if (material.training.view[n] >= 0) == single]
        sums = [
            sum(max(0.0, patch_noise(material, networks, n, p, 1, r)) for p in range(14) for r in range(4))
            for n in rows
        ]
        assert float(found[name][1]) == pytest.approx(sum(sums) / len(sums), rel=1e-4)


def test_noise_is_memorised_in_training():
    start = PRIVATE.initialise([(0,)])
    trained, _ = train(start, PRIVATE.training_inputs, CrossEntropy(), steps=300, learning_rate=40.0)
    before, after = noise_strength(start, PRIVATE), noise_strength(trained, PRIVATE)

    assert all(after[kind] > 3 * before[kind] for kind in ("noise_single_view", "noise_multi_view"))
