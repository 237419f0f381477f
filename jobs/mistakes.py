"""What becomes of mistakes in a configuration: the first one ends a command, and `emobatch doctor` tells all of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from analytics.errors import UsageError

Tell = Callable[[UsageError], None]
"""What is done about a mistake. Where it returns, what is wrong is left out, and the rest is looked at."""


def raised(error: UsageError) -> None:
    """End with the first mistake, as everything does that goes on to work with the configuration."""
    raise error


@contextmanager
def telling(tell: Tell) -> Iterator[None]:
    """Tell the mistake that ends this block."""
    try:
        yield
    except UsageError as error:
        tell(error)
