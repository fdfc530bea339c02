import pytest
import torch


@pytest.fixture(scope="module")
def one_thread():
    """Products of this size are slower on two threads, much slower where other processes want the cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def two_threads():
    """More than one, also where each worker of the tests has one."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)
