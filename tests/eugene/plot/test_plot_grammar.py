"""Pictures of importance against a grammar: what colours stand where."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

import eugene as eu
from eugene.errors import EugeneError


@pytest.fixture(autouse=True)
def _no_screen():
    with mpl.rc_context({"backend": "Agg"}):
        yield
    plt.close("all")


def test_colours_say_what_a_position_is_and_how_important() -> None:
    importance = np.array([[0.0, 1.0, 0.0, 1.0, 1.0, 0.5]] * 3)
    annotation = np.array([[0, 0, 1, 1, 2, 0]] * 3)
    ax = eu.plot.grammar_map(importance, annotation, labels=["a", "a", "b"], lengths=[6, 6, 4])
    image = np.asarray(ax.images[0].get_array())
    white, red, blue = (1.0, 1.0, 1.0), to_rgb("#D55E00"), to_rgb("#0072B2")
    np.testing.assert_allclose(image[0, 0], white)
    np.testing.assert_allclose(image[0, 1], red)
    np.testing.assert_allclose(image[0, 3], blue)
    np.testing.assert_allclose(image[0, 5], (np.array(white) + red) / 2)
    assert not np.allclose(image[0, 2], white)  # grammar shows where it is not found, too
    assert not np.allclose(image[0, 4], red)
    np.testing.assert_allclose(image[2, 4], image[2, 5])
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a (2)", "b (1)"]
    texts = [t.get_text() for t in ax.get_legend().get_texts()]
    assert texts[0] == "background: not important"
    assert texts[-1] == "no sequence"
    called = eu.plot.grammar_map(importance > 0.4, annotation)
    assert called.get_legend().get_texts()[1].get_text() == "called"


def test_positions_are_shares_of_the_examples() -> None:
    placed = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1]], np.uint8)
    shares = eu.evaluate.grammar_shares(placed, ["a", "a", "b"], np.array([3, 3, 3]))
    assert shares["grammar_probability"].tolist() == [1.0, 0.5, 0.0, 0.0, 0.0, 1.0]
    figure = eu.plot.grammar_positions(shares)
    image = np.asarray(figure.axes[1].images[0].get_array())
    np.testing.assert_allclose(image, [[1, 0.5, 0], [0, 0, 1]])
    tops = figure.axes[0].collections[0].get_paths()[0].vertices[:, 1]
    assert tops.max() == pytest.approx(2 / 3)
    ragged = eu.evaluate.grammar_shares(placed, ["a", "a", "b"], np.array([3, 1, 3]))
    assert ragged["n"].tolist() == [2, 1, 1, 1, 1, 1]


def test_what_cannot_be_drawn_is_said() -> None:
    with pytest.raises(EugeneError, match="expected"):
        eu.plot.grammar_map(np.ones((2, 3)), np.ones((2, 4)))
    with pytest.raises(EugeneError, match="from 0 to 1"):
        eu.plot.grammar_map(np.full((2, 3), 2.0), np.ones((2, 3)))
    with pytest.raises(EugeneError, match="1 labels for 2"):
        eu.plot.grammar_map(np.ones((2, 3)), np.ones((2, 3)), labels=["a"])
    with pytest.raises(EugeneError, match="grammar_shares"):
        eu.plot.grammar_positions(eu.evaluate.grammar_shares(np.ones((0, 3), np.uint8), []))
