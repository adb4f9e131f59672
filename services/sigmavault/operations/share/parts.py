"""Makes values of shares, and tells what does not fit together in our words."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import ValidationError

from sigmavault.core.checking import meaning
from sigmavault.core.errors import InvalidRequestError
from sigmavault.core.names import MEANINGS


def valid[T](make: Callable[[], T]) -> T:
    """What `make` makes.

    Raises:
        InvalidRequestError: the parts do not fit together.
    """
    try:
        return make()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][-1]) if first["loc"] else ""
        raise InvalidRequestError(
            f"{name}{': ' if name else ''}{meaning(first, MEANINGS)}", param=name
        ) from error
