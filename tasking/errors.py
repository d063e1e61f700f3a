"""What can go wrong with an order, as one tree.

    TaskingError
    ├── InvalidOrder            the order cannot be sent as it is: field, value, and what would be right
    ├── ReferenceTaken          another run, or another order at the provider, owns this reference
    ├── OrderEnded              the order came to an end that is not a delivery; says why and what to do
    │   └── OverBudget          a limit does not allow what it costs; nothing was announced or sent
    ├── OtherEnvironment        account block or environment leads elsewhere; put it back   (retryable)
    ├── LedgerUnavailable       the ledger did not answer; try again              (retryable)
    ├── DeliveryFailed          a product could not be brought home whole         (retryable)
    │   └── UnsafeAsset         a name or address from outside that we will not follow; never retried
    └── ProviderError           says provider, verb, reference, their id, and the server's own words
        ├── Unavailable         no answer, 429 or 5xx on a repeatable verb        (retryable)
        ├── Uncertain           a create whose outcome is unknown: look before anything else
        ├── UnexpectedAnswer    a 2xx that is not what the API promises           (retryable)
        │   └── Incomplete      all is said to be there, and some of it has no file yet; what has is kept beside
        └── Refused             a clear no (4xx): nothing was made
            ├── CredentialsRefused   401 or 403, also after one fresh token
            └── NotFound             404

Whether a step may simply be run again is a property of the class (``retryable``), never a list of codes.
"""

from __future__ import annotations

from typing import Any, ClassVar


class TaskingError(Exception):
    """The root of everything this project raises on purpose."""

    retryable: ClassVar[bool] = False


class InvalidOrder(TaskingError, ValueError):
    """The order cannot be sent as it is.

    Args:
        field: Dotted name of the field, as the user wrote it.
        value: The value found there.
        fix: What would be right, as an instruction.
    """

    def __init__(self, field: str, value: object, fix: str) -> None:
        self.field, self.value, self.fix = field, value, fix
        shown = _shown(value)
        super().__init__(_shown(f"{field}: {shown if len(shown) <= 120 else shown[:117] + '...'}: {fix}"))

    def __reduce__(self) -> tuple[type[InvalidOrder], tuple[str, object, str]]:
        """Errors cross processes; the value as text, which always can."""
        return type(self), (self.field, _shown(self.value), self.fix)


def _shown(value: object) -> str:
    """A value as text, also one that Python cannot write out: nested too deeply, or thousands of digits long."""
    try:
        return str(value).encode("utf-8", "backslashreplace").decode()
    except (RecursionError, ValueError):
        return f"({type(value).__name__})"


class ReferenceTaken(TaskingError):
    """Two runs, or two orders, cannot own one reference."""


class OrderEnded(TaskingError):
    """The order came to an end that is not a delivery.

    Args:
        status: The STAPI status code the order ends with (``rejected``, ``expired``, ``failed``, ...).
        message: What happened and what to do, for a person.
    """

    def __init__(self, status: str, message: str) -> None:
        self.status = status
        super().__init__(message)

    def __reduce__(self) -> tuple[type[OrderEnded], tuple[str, str]]:
        """Errors cross processes."""
        return type(self), (self.status, str(self.args[0]))


class OverBudget(OrderEnded):
    """A limit does not allow what the request costs, or its price is not known. Nothing was announced or sent."""


class OtherEnvironment(TaskingError):
    """The account block, or a setting of this process, leads to another place; a person can put it back."""

    retryable = True


class LedgerUnavailable(TaskingError):
    """The ledger did not answer. Nothing was sent to a provider because of it."""

    retryable = True


class DeliveryFailed(TaskingError):
    """A product could not be brought home whole; nothing damaged stands under a final name."""

    retryable = True


class UnsafeAsset(DeliveryFailed):
    """A file name or an address from outside that leads where it must not. Never followed, never retried."""

    retryable = False


class ProviderError(TaskingError):
    """Something between us and a provider.

    Args:
        message: What happened, in our words.
        provider: Provider name, e.g. ``axelglobe``.
        verb: What was tried, e.g. ``create request``.
        reference: Our reference of the order, when known.
        provider_id: Their id of the thing, when known.
        said: The server's own words, shortened; never a secret.
        status: HTTP status code, when there was one.
    """

    def __init__(
        self,
        message: str,
        *,
        provider: str = "",
        verb: str = "",
        reference: str | None = None,
        provider_id: str | None = None,
        said: str | None = None,
        status: int | None = None,
    ) -> None:
        self.message, self.provider, self.verb = message, provider, verb
        self.reference, self.provider_id, self.said, self.status = reference, provider_id, said, status
        super().__init__(message)

    def __str__(self) -> str:
        where = " ".join(part for part in (self.provider, self.verb) if part)
        about = [
            f"order {self.reference}" if self.reference else "",
            f"id {self.provider_id}" if self.provider_id else "",
            f"HTTP {self.status}" if self.status else "",
        ]
        note = ", ".join(part for part in about if part)
        text = f"{where}: {self.message}" if where else self.message
        if note:
            text += f" ({note})"
        if self.said:
            text += f"; the server said: {self.said}"
        return text


class Unavailable(ProviderError):
    """No answer, 429 or 5xx on a verb that may be repeated, after the HTTP layer's own tries.

    On a create it means that nothing was made: the create was not sent, or was turned away with 429.

    Attributes:
        retry_after: Seconds (of our time) after which the server asks to come back; ``None`` if it does not.
    """

    retryable = True
    retry_after: float | None = None


class Uncertain(ProviderError):
    """A create whose outcome is unknown: timeout, reset, 5xx, or a 2xx that cannot be read."""


class UnexpectedAnswer(ProviderError):
    """A 2xx that is not what the API promises."""

    retryable = True


class Incomplete(UnexpectedAnswer):
    """All of a delivery is said to be there, and some of it has no file yet.

    Attributes:
        items: STAC items of what there is; their addresses may be signed, so whoever takes them empties this.
    """

    items: list[dict[str, Any]] = []  # noqa: RUF012 # set anew on each error, never changed


class Refused(ProviderError):
    """A clear no: nothing was made."""


class CredentialsRefused(Refused):
    """401 or 403, also after one fresh token."""


class NotFound(Refused):
    """404."""
