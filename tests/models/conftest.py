import pytest


@pytest.fixture(scope="module")
def one_thread():
    """Products of this size are slower on two threads, much slower where other processes want the cores."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def two_threads():
    """More than one, also where each worker of the tests has one."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)
