"""One deliberate mistake."""

from __future__ import annotations

from attrs import frozen

__all__ = ["Mutant"]


@frozen
class Mutant:
    """
    A small change of the code that some test has to notice.

    Attributes:
        file: From the root of the project.
        original: Text that occurs exactly once in the file.
        why: What goes wrong with it, in a few words.
        equivalent: Why no test can notice it; None: one must.
    """

    name: str
    file: str
    original: str
    replacement: str
    why: str
    equivalent: str | None = None
