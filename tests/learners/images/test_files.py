"""Files are written by hand, byte by byte, as their formats are published."""

import gzip
import re
import struct
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from probes.errors import DataError, UsageError
from probes.learners.images.fashion_scenes import FashionScenes
from probes.learners.images.files import ImageFiles
from probes.learners.images.idx import read_idx, read_idx_images

DRAWS = np.random.default_rng(0)
PICTURES = {"train": DRAWS.integers(0, 256, (12, 6, 5), np.uint8), "t10k": DRAWS.integers(0, 256, (5, 6, 5), np.uint8)}
LABELS = {"train": [number % 3 for number in range(12)], "t10k": [2, 1, 0, 0, 1]}


def idx(values, shape):
    return bytes([0, 0, 8, len(shape)]) + b"".join(struct.pack(">I", length) for length in shape) + bytes(values)


@pytest.fixture(params=["", ".gz"])
def four_files(tmp_path, request):
    for part, pictures in PICTURES.items():
        for what, content in (
            ("images-idx3", idx(pictures.flatten().tolist(), pictures.shape)),
            ("labels-idx1", idx(LABELS[part], [len(LABELS[part])])),
        ):
            packed = gzip.compress(content) if request.param else content
            (tmp_path / f"{part}-{what}-ubyte{request.param}").write_bytes(packed)
    return tmp_path


def test_the_four_files_hold_what_was_written(four_files):
    for part, name in (("train", "train"), ("test", "t10k")):
        images = ImageFiles("idx", str(four_files), standardise=False).sample(part, seed=0)
        assert images.labels.tolist() == LABELS[name]
        assert images.classes == 3
        for sample, picture in enumerate(PICTURES[name]):
            for row in range(6):
                expected = [value / 255 for value in picture[row].tolist()]
                assert images.inputs[sample, 0, row].tolist() == pytest.approx(expected)


def test_standardised_images_have_the_mean_and_spread_of_training(four_files):
    train, test = (ImageFiles("fashion", str(four_files)).sample(part, seed=0) for part in ("train", "test"))
    pixels = PICTURES["train"].astype(float)

    assert float(train.inputs.mean()) == pytest.approx(0, abs=1e-6)
    assert float(train.inputs.std()) == pytest.approx(1, abs=1e-6)
    expected = (float(PICTURES["t10k"][0, 0, 0]) - pixels.mean()) / pixels.std(ddof=1)
    assert float(test.inputs[0, 0, 0, 0]) == pytest.approx(expected, rel=1e-5)


def test_some_of_the_images_are_drawn_by_the_seed(four_files):
    few = ImageFiles("idx", str(four_files), train=4, standardise=False)
    draws = [set(few.sample("train", seed).ids) for seed in (0, 0, 1)]

    assert draws[0] == draws[1] != draws[2]
    with pytest.raises(ValueError, match=r"^expected `train` <= 12, the images there are, got 13$"):
        ImageFiles("idx", str(four_files), train=13).sample("train", 0)


def test_a_file_beside_its_compressed_copy_is_read_once(four_files):
    (four_files / "train-labels-idx1-ubyte").write_bytes(idx(LABELS["train"], [12]))
    (four_files / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(LABELS["train"], [12])))

    assert len(read_idx_images(four_files, "train")) == 12


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected an IDX file of unsigned bytes (magic 00 00 08), got : {path}"),
        (b"\0\0\x0d\1", "expected an IDX file of unsigned bytes (magic 00 00 08), got 00 00 0d 01: {path}"),
        (b"\0\0\x08\3\0\0", "expected the lengths of 3 axes, got 2 bytes: {path} is cut off"),
        (idx([1, 2], [3]), "expected 3 values of shape (3,), got 2: {path} is damaged"),
        (idx([1, 2, 3, 4], [3]), "expected 3 values of shape (3,), got more: {path} is damaged"),
    ],
)
def test_a_damaged_idx_file_gives_one_line(tmp_path, content, message):
    path = tmp_path / "file"
    path.write_bytes(content)

    with pytest.raises(DataError, match=f"^{re.escape(message.format(path=path))}$"):
        read_idx(path)


def test_a_damaged_compressed_file_gives_one_line(tmp_path):
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(idx(range(200), [200]))[:-20])
    reason = "Compressed file ended before the end-of-stream marker was reached"
    with pytest.raises(DataError, match=f"^expected a readable IDX file, got {reason}: {path}$"):
        read_idx(path)
    path.write_bytes(b"no gzip")
    with pytest.raises(DataError, match=rf"^expected a readable IDX file, got Not a gzipped file \(b'no'\): {path}$"):
        read_idx(path)


def test_a_missing_file_says_which_belong_there(tmp_path):
    message = (
        f"expected one file of test images in {tmp_path}, got none; the four files are {{train,t10k}}-"
        "{images-idx3,labels-idx1}-ubyte, each as it is or .gz: name their folder in `path`, or install Debian's "
        "`dataset-fashion-mnist`"
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        ImageFiles("fashion", str(tmp_path)).sample("test", 0)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "t10k-images-idx3-ubyte",
            idx([0] * 5, [5]),
            "expected images of 3 axes and labels of 1, got shapes (5,) and (5,): {folder}/t10k-images-idx3-ubyte, "
            "{folder}/t10k-labels-idx1-ubyte",
        ),
        (
            "t10k-labels-idx1-ubyte",
            idx([0] * 4, [4]),
            "expected a label for each of 5 images, got 4: {folder}/t10k-images-idx3-ubyte, "
            "{folder}/t10k-labels-idx1-ubyte",
        ),
        (
            "t10k-labels-idx1-ubyte",
            idx([0, 1, 2, 3, 0], [5]),
            "expected labels of 0 to 2, those of training, got 3: {folder}/t10k-labels-idx1-ubyte",
        ),
        (
            "t10k-images-idx3-ubyte",
            idx([0] * 125, [5, 5, 5]),
            "expected test images of shape (1, 6, 5), as training images, got (1, 5, 5): {folder}",
        ),
    ],
)
@pytest.mark.parametrize("four_files", [""], indirect=True)
def test_files_that_do_not_fit_each_other_are_refused(four_files, name, content, message):
    (four_files / name).write_bytes(content)

    with pytest.raises(DataError, match=f"^{re.escape(message.format(folder=four_files))}$"):
        ImageFiles("idx", str(four_files)).sample("test", 0)


@pytest.mark.parametrize("classes", [10, 100])
def test_cifar_rows_are_a_label_and_three_planes_of_pixels(tmp_path, classes):
    names = ["train.bin"] if classes == 100 else [f"data_batch_{number}.bin" for number in range(1, 6)]
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(cifar_row(classes, number) + cifar_row(classes, number + 1))
    images = ImageFiles(f"cifar{classes}", str(tmp_path), standardise=False).sample("train", 0)

    assert images.labels.tolist() == [label for number in range(len(names)) for label in (number, number + 1)]
    assert images.shape == (3, 32, 32)
    for channel, row, column in ((0, 0, 0), (1, 2, 3), (2, 31, 31)):
        expected = (1024 * channel + 32 * row + column) % 251 / 255
        assert float(images.inputs[1, channel, row, column]) == pytest.approx(expected)


def cifar_row(classes, label):
    return bytes([7, label] if classes == 100 else [label]) + bytes(place % 251 for place in range(3072))


def test_damaged_or_missing_cifar_files_give_one_line(tmp_path):
    test = tmp_path / "test.bin"
    missing = (
        f"expected a readable test.bin in {tmp_path}, got No such file or directory; name in `path` the folder of the "
        "binary version of CIFAR-100, with train.bin, test.bin (the Python version is pickled, and never loaded)"
    )
    cases = [
        (None, missing),
        (b"\0" * 3000, f"expected rows of 3074 bytes, got 3000 bytes: {test} is damaged or of another kind"),
        (cifar_row(100, 200), f"expected labels of 0 to 99, got 200: {test} is damaged or of another kind"),
    ]
    for content, message in cases:
        if content is not None:
            test.write_bytes(content)
        with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
            ImageFiles("cifar100", str(tmp_path)).sample("test", 0)


@pytest.fixture
def pictures(tmp_path):
    for part in ("train", "test"):
        for label, name in enumerate(("apple", "pear")):
            (tmp_path / part / name).mkdir(parents=True)
            Image.new("RGB", (4, 3), (10 + label, 20, 30)).save(tmp_path / part / name / "one.png")
    return tmp_path


def test_folders_are_classes_by_alphabet(pictures):
    (pictures / "train" / "apple" / "notes.txt").write_text("no picture")
    images = ImageFiles("folder", str(pictures), standardise=False).sample("train", 0)

    assert images.ids == ("train/apple/one.png", "train/pear/one.png")
    assert images.inputs[1, :, 2, 3].tolist() == pytest.approx([11 / 255, 20 / 255, 30 / 255])
    small = ImageFiles("folder", str(pictures), standardise=False, channels=1, size=2).sample("test", 0)
    assert small.shape == (1, 2, 2)


def test_pictures_that_cannot_be_used_give_one_line(pictures):
    broken, other = pictures / "test" / "apple" / "two.png", pictures / "test" / "quince"
    first = pictures / "test" / "apple" / "one.png"
    broken.write_bytes(first.read_bytes()[:50])
    with pytest.raises(DataError, match=rf"^expected a picture that can be decoded, got .+: {broken}$"):
        ImageFiles("folder", str(pictures)).sample("test", 0)
    Image.new("RGB", (5, 3)).save(broken)
    message = f"expected 4 x 3 pixels as in {first}, got 5 x 3: {broken}; set `size` to bring all pictures to one size"
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        ImageFiles("folder", str(pictures)).sample("test", 0)
    other.mkdir()
    message = f"expected the classes of {pictures / 'train'} in {pictures / 'test'}, got quince besides"
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        ImageFiles("folder", str(pictures)).sample("test", 0)


def test_a_folder_without_pictures_says_how_they_are_laid_out(tmp_path):
    message = (
        f"expected pictures in {tmp_path}/train/CLASS/, got none; lay them out as train/CLASS/picture.png and "
        "test/CLASS/picture.png, and name their folder in `path`"
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        ImageFiles("folder", str(tmp_path)).sample("train", 0)


def test_pictures_without_pillow_say_what_to_install(pictures, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    message = "expected Pillow, which decodes pictures, got none; install it with `pip install feature-probes[real]`"
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        ImageFiles("folder", str(pictures)).sample("train", 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"source": "svhn"},
            "expected `source` one of digits, fashion, idx, cifar10, cifar100, folder, got 'svhn'",
        ),
        ({"source": "idx"}, "expected `path`, the folder of the files of 'idx', got none"),
        ({"train": -1}, r"expected `train`, `test` and `size` >= 0, got \[-1, 0, 0\]"),
        ({"channels": 4}, "expected `channels` 1 or 3, got 4"),
    ],
)
def test_impossible_values_are_refused_with_the_reason(change, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        ImageFiles(**change)


@pytest.mark.parametrize("four_files", [".gz"], indirect=True)
@pytest.mark.parametrize("views", ["mirrored", "permuted"])
def test_scenes_of_files_show_each_class_in_two_forms(four_files, views):
    scenery = FashionScenes(classes=3, cell=5, views=views, path=str(four_files), train=30, noise=0.0, sparsity=0.0)
    glyphs = scenery.glyphs("train", 0)
    first, second = glyphs.pictures.flatten(2)

    assert scenery.sample("train", 0).shape == (1, 15, 15)
    assert glyphs.counts.tolist() == [4, 4, 4]
    for one, other in zip(first, second, strict=True):
        torch.testing.assert_close(one.sort().values, other.sort().values)
    order = [int((second == pixel[:, None]).all(0).nonzero()[0]) for pixel in first.T]
    assert all(second[picture, order].equal(first[picture]) for picture in range(12))
    assert (order == torch.arange(25).view(5, 5).mT.flatten().tolist()) == (views == "mirrored")


@pytest.mark.parametrize("four_files", [".gz"], indirect=True)
def test_scenes_of_files_refuse_what_cannot_be(four_files):
    cases = [
        ({"cell": 1}, "expected `cell` >= 2, got 1"),
        ({"views": "turned"}, 'expected `views` "mirrored" or "permuted", got \'turned\''),
    ]
    for change, message in cases:
        with pytest.raises(ValueError, match=f"^{message}$"):
            FashionScenes(**change)
    with pytest.raises(ValueError, match=r"^expected `classes` <= 3, those of the files, got 10$"):
        FashionScenes(path=str(four_files)).sample("train", 0)
