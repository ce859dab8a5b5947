"""Named arrays as the bytes of an `.npz` that NumPy can open, and back without trusting them.

No pickles: arrays are taken from their bytes by dtype and shape. Members are stored, never compressed: a file
unpacks to what it weighs, so there are no zip bombs, and the same arrays are the same bytes whatever the zlib.
"""

import io
import math
import re
import zipfile
from collections.abc import Mapping

import numpy as np

from fraudwatch.detection.arrays import AnyArray, Arrays, frozen
from fraudwatch.errors import ArtefactError

LARGEST = 256 * 2**20
"""A model of 100 features weighs about 5 MB."""

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can say: the time of writing would change the bytes
_MEMBER = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*\.npy")
_KINDS = "fiu"


def encode(arrays: Mapping[str, AnyArray]) -> bytes:
    """The arrays as the bytes of an `.npz`, the same for the same arrays."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            member = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            member.create_system = 3  # Unix, wherever it is written
            content = io.BytesIO()
            np.lib.format.write_array(content, arrays[name], version=(1, 0), allow_pickle=False)
            archive.writestr(member, content.getvalue())
    return buffer.getvalue()


def decode(data: bytes) -> Arrays:
    """The arrays of an `.npz` of ours, by name, read-only; raises ArtefactError for anything else."""
    if len(data) > LARGEST:
        raise ArtefactError(f"The model's arrays are larger than {LARGEST} bytes.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            _check_members(members)
            return {member.filename[: -len(".npy")]: _array(archive.read(member)) for member in members}
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, RuntimeError) as problem:
        raise ArtefactError(f"The model's arrays cannot be read: {problem}.") from problem


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    names = [member.filename for member in members]
    odd = [name for name in names if not _MEMBER.fullmatch(name)]
    if odd or len(set(names)) != len(names):
        raise ArtefactError(f"The model's arrays have names no model has: {(odd or names)[:3]}.")
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise ArtefactError("The model's arrays are compressed; a model of ours never is.")
    if sum(member.file_size for member in members) > LARGEST:
        raise ArtefactError(f"The model's arrays unpack to more than {LARGEST} bytes.")


def _array(data: bytes) -> AnyArray:
    """One `.npy` member. Unlike `np.load`, it allocates nothing on the word of the header."""
    file = io.BytesIO(data)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("expected .npy format 1.0")
    shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
    body = memoryview(data)[file.tell() :]
    if dtype.kind not in _KINDS or is_fortran:
        raise ValueError(f"expected plain numbers in C order, found {dtype}")
    if any(length < 0 for length in shape) or math.prod(shape) * dtype.itemsize != len(body):
        raise ValueError(f"expected {shape} of {dtype}, found {len(body)} bytes")
    return frozen(np.frombuffer(body, dtype=dtype).reshape(shape), dtype)
