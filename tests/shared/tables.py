"""Quick cases of one test: collected, prepared and reported as one, where that takes longer than the cases."""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any


def every(names: str | tuple[str, ...], cases: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As `pytest.mark.parametrize`, in one test; a failure has a note that names the case."""
    known = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    rows = [(case,) if isinstance(names, str) and len(known) == 1 else tuple(case) for case in cases]
    assert rows
    assert all(len(row) == len(known) for row in rows)

    def of(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def through(**others: Any) -> None:
            for row in rows:
                case = dict(zip(known, row, strict=True))
                try:
                    test(**others, **case)
                except BaseException as error:
                    error.add_note(", ".join(f"{name} = {value!r}" for name, value in case.items()))
                    raise

        signature = inspect.signature(test)
        left = [each for name, each in signature.parameters.items() if name not in known]
        assert len(left) == len(signature.parameters) - len(known)
        through.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]
        return through

    return of
