"""Character error rate and normalised edit distance."""

from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein


def edit_distance(prediction: str, label: str) -> int:
    """Fewest insertions, deletions and replacements that turn one text into the other.

    Example:
        >>> edit_distance("kitten", "sitting")
        3
    """
    return Levenshtein.distance(prediction, label)


def character_error_rate(distances: Sequence[int], label_lengths: Sequence[int]) -> float:
    """Edits over all texts per character of all labels (CER); NaN where the labels have none.

    Example:
        >>> character_error_rate([1, 0], [3, 5])
        0.125
    """
    total = sum(label_lengths)
    return sum(distances) / total if total else float("nan")


def edit_similarity(prediction: str, label: str) -> float:
    """One minus the edit distance over the longer text's length (1-NED); 1 for two empty texts.

    Example:
        >>> edit_similarity("abcd", "abxd")
        0.75
    """
    longest = max(len(prediction), len(label))
    return 1.0 - edit_distance(prediction, label) / longest if longest else 1.0
