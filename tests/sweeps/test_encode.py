import json

import numpy as np
import pytest
import xarray
from tables import every

from sgdsde.sweeps.encode import decode, encode

NAN = np.frombuffer(np.uint64(0x7FF800000000BEEF).tobytes(), np.float64)[0]


@every(
    "value",
    [
        1, 2.5, -0.0, True, 1j, "text", np.float32(0.1), np.arange(6.0).reshape(2, 3), np.array([]), np.zeros((0, 3)),
        np.array([NAN, np.inf]), np.array(["a", "bcd"]), np.array([b"x"]), np.array(["2020-01-01"], "M8[D]"),
        np.arange(4, dtype=np.int8)[::-2], np.array([[True], [False]]),
    ],
)  # fmt: skip
def test_values_come_back_bit_for_bit(value):
    back = decode(*encode(value))["result"].values
    assert back.dtype == np.asarray(value).dtype
    assert back.shape == np.shape(value)
    assert back.tobytes() == np.asarray(value).tobytes()


def test_big_endian_arrays_are_stored_little_endian():
    text, data = encode(np.arange(3, dtype=">i4"))
    assert json.loads(text)[0]["dtype"] == "<i4"
    assert data == np.arange(3, dtype="<i4").tobytes()


def test_a_dataset_keeps_dimensions_coordinates_and_units():
    dataset = xarray.Dataset(
        {"m": (("k", "j"), np.ones((2, 3)), {"units": "nats", "n": np.int64(3)})}, {"k": [10, 20], "where": 0.5}
    )
    found = decode(*encode(dataset))
    assert found["m"].dims == ("k", "j")
    assert found["m"].attrs == {"units": "nats", "n": 3}
    assert {name for name, each in found.items() if each.coordinate} == {"k", "where"}
    assert set(decode(*encode(dataset.m))) == {"m", "k", "where"}
    assert set(decode(*encode(dataset.m.rename(None)))) == {"result", "k", "where"}


@every(
    ("value", "message"),
    [
        (None, "'result' must be a number or an array of numbers, got NoneType None"),
        (2**70, "must be a number or an array of numbers, got int 11805916"),
        ({"a": object}, "the result 'a' must be a number or an array"),
        ({}, "a result that is a mapping must have names"),
        ({1: 2}, "a result that is a mapping must have names"),
        ([[1], [1, 2]], "must be a rectangular array"),
        (np.zeros(2, "f8,i4"), "must hold numbers, bools, text or times"),
        (xarray.Dataset(), "must have a variable, got none"),
        (xarray.Dataset({"a": ((), 1, {"f": max})}), "attributes of the result 'a' must be plain values"),
    ],
)
def test_what_cannot_be_stored_is_refused(value, message):
    with pytest.raises(ValueError, match=message):
        encode(value)


@every("dtype", ["O", "|O8", "<f8, <f8", "V8", "__import__('os')"])
def test_types_in_a_store_are_not_trusted(dtype):
    text, data = encode(1.0)
    with pytest.raises(ValueError, match="unknown type"):
        decode(text.replace("<f8", dtype), data)


def test_too_few_and_too_many_bytes_are_noticed():
    text, data = encode([1.0, 2.0])
    for wrong in (data[:-1], data + b"x"):
        with pytest.raises(ValueError, match=r"buffer|holds 17 bytes of a result that should have 16"):
            decode(text, wrong)
