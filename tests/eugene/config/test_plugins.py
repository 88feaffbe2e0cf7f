"""A user's own things: registered in Python, by a module or file, or by an installed package."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Annotated, Any

import pytest

import eugene as eu
from eugene.cli import main
from eugene.config import (
    RunConfig,
    UnknownNameError,
    _plugins,
    find_problems,
    load_plugin,
    load_run_config,
    parse_text,
    registries,
)
from eugene.config.marks import Least, Names
from eugene.errors import ConfigError, EugeneError, EugeneWarning, MissingFileError

MODEL = """
import eugene as eu
import pathlib

pathlib.Path(__file__).with_suffix(".imported").touch()

@eu.register("models", "{name}", aliases=["{name}_too"])
class Mine:
    \"\"\"A network of one's own.\"\"\"

    def __init__(self, input_len: int, output_dim: int, *, width: int = 3):
        self.width = width
"""


pytestmark = pytest.mark.usefixtures("own_registries")


def tree(**model: Any) -> dict[str, Any]:
    return {
        "data": {"name": "simulated", "n": 40, "target_vars": ["label"]},
        "model": model,
    }


def found(**model: Any) -> list[str]:
    from eugene.config import dump_yaml

    return [str(p) for p in find_problems(parse_text(dump_yaml(tree(**model))))]


@pytest.mark.parametrize("kind", registries.REGISTRIES)
def test_every_kind_takes_a_function_and_a_name(kind: str) -> None:
    registry = registries.REGISTRIES[kind]

    def own(*given: Any, k: int = 3) -> tuple[Any, ...]:
        """Do it my way."""
        return (*given, k)

    assert eu.register(kind, "own_thing", aliases=["mine too"])(own) is own
    eu.register(registry.kind, "counted")("collections:Counter")
    assert registry.get("mine too") is own
    assert registry.build("own_thing", 1, k=4) == (1, 4)
    assert registry.summary("own_thing") == "Do it my way."
    assert [p.name for p in registry.parameters("own_thing")][-1:] == ["k"]
    assert registry.build("counted", "aab")["a"] == 2
    assert {"own_thing", "counted"} <= set(registry)
    assert (registry.origin("own_thing"), registry.origin(registry.names[0])) == (__name__, None)


def test_objects_are_judged_by_their_live_signature() -> None:
    @eu.register("models", "own_net")
    class Net:
        """A network.

        Parameters
        ----------
        width : int
            Channels.
        """

        def __init__(
            self,
            input_len: int,
            output_dim: int,
            width: Annotated[int, Least(2)],
            names: Annotated[list[str] | None, Names("losses")] = None,
            rate: float = 0.5,
        ) -> None: ...

    assert found(name="own_net", width=3, rate=1, names=["mse"]) == []
    assert load_run_config(tree(name="own_net", width=4)).tree["model"]["rate"] == 0.5
    assert registries.MODELS.signature("own_net")["width"].description == "Channels."
    for given, message in (
        ({}, "model 'own_net' needs 'width' (int)"),
        ({"width": 1}, "is 1, expected 2 or more"),
        ({"width": "x"}, "expected int, got 'x'"),
        ({"width": 2, "names": ["mze"]}, "no loss is called 'mze'; did you mean 'mse'?"),
        ({"width": 2, "ratte": 1}, "model 'own_net' has no 'ratte'; did you mean 'rate'?"),
    ):
        [problem] = found(name="own_net", **given)
        assert message in problem


def test_annotations_that_are_objects_say_the_same() -> None:
    def own(prediction, target, power=2.0, k=1): ...  # type: ignore[no-untyped-def]

    own.__annotations__ = {"power": Annotated[float | None, Least(0)], "k": list[int]}
    eu.register("losses", "own_objects")(own)
    power, k = registries.LOSSES.parameters("own_objects")
    assert (power.annotation, power.mark(Least), k.annotation) == (
        "float | None",
        Least(0),
        "list[int]",
    )


def test_a_function_whose_first_arguments_have_other_names() -> None:
    eu.register("losses", "own_error")(lambda mine, theirs, *, power=2.0: 0)
    module = {"loss_fxn": "own_error", "loss_kwargs": {"power": 3.0}}
    assert load_run_config({**tree(name="cnn"), "module": module}).tree["plugins"] == [__name__]
    with pytest.raises(ConfigError, match="loss 'own_error' has no 'mine'"):
        load_run_config({**tree(name="cnn"), "module": {**module, "loss_kwargs": {"mine": 1}}})


@pytest.mark.parametrize(
    ("kind", "name", "thing", "message"),
    [
        ("modells", "x", int, "there are no 'modells'; did you mean 'models'?"),
        ("models", "cnn", int, "as the model 'cnn': that is eugene.models.zoo:CNN"),
        ("models", "CNN", int, "as the model 'CNN': that is eugene.models.zoo:CNN"),
        ("models", " x", int, "expected a word"),
        ("models", "x", 3, "expected a class, a function or 'module:name'"),
    ],
)
def test_what_cannot_be_registered(kind: str, name: str, thing: Any, message: str) -> None:
    with pytest.raises(EugeneError, match=message):
        eu.register(kind, name)(thing)


def test_a_cell_that_is_run_again_registers_again() -> None:
    for k in (1, 2):

        @eu.register("losses", "own_again")
        def own(prediction: Any, target: Any, k: int = k) -> int:
            return k

    assert registries.LOSSES.build("own_again", 0, 0) == 2


def test_a_file_is_imported_where_it_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mine_a.py"
    file.write_text(MODEL.format(name="mine_a"))
    config = load_run_config(tree(name="mine_a_too", width=5), plugins=[file])
    assert config.tree["model"] == {
        "name": "mine_a_too",
        "first_activation": None,
        "init": None,
        "weights": None,
        "weights_part": None,
        "head": None,
        "width": 5,
    }
    assert config.tree["plugins"] == [str(file)]
    assert registries.MODELS.build("mine_a", 10, 1).width == 3
    assert load_plugin(file) == str(file)
    with pytest.raises(ConfigError, match="model 'mine_a' has no 'widht'; did you mean 'width'"):
        load_run_config(tree(name="mine_a", widht=5))


def test_what_a_run_needs_is_said_where_it_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "mine_b.py"
    file.write_text(MODEL.format(name="mine_b"))
    asked = {**tree(name="mine_b"), "plugins": [str(file)]}
    with pytest.raises(ConfigError, match=rf"no model is called 'mine_b'.*give --plugin {file}"):
        load_run_config(asked)
    assert not file.with_suffix(".imported").exists()
    assert load_run_config(asked, allow_class_path=True).tree["plugins"] == [str(file)]
    assert file.with_suffix(".imported").exists()
    # now it is loaded, the file may be read by anybody
    assert load_run_config(asked).tree["plugins"] == [str(file)]
    session = {**tree(name="gone"), "plugins": ["__main__"]}
    with pytest.raises(ConfigError, match="registered in a Python session"):
        load_run_config(session)


def test_a_network_of_a_plugin_that_is_not_loaded(tmp_path: Path) -> None:
    from eugene.config import Document, build

    section = {"name": "mine_c"}
    config = RunConfig({}, Document({"plugins": ["mine_plug"]}))
    with pytest.raises(ConfigError, match=r"\$\.model\.name: no model.*--plugin mine_plug"):
        build(registries.MODELS, section, config=config, path="$.model")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("mine_d.py", "import no_such_thing", "cannot be imported: ModuleNotFoundError"),
        ("random.py", "", "has the name of the module random"),
        ("mine_e.py", None, "does not exist"),
    ],
)
def test_plugins_that_cannot_be_loaded(
    name: str, text: str | None, message: str, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises((EugeneError, MissingFileError), match=message):
        load_plugin(tmp_path / name)
    with pytest.raises(EugeneError, match=r"the plugin no\.such cannot be imported"):
        load_plugin("no.such")


def installed(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    points = [EntryPoint(name, value, _plugins.GROUP) for name, value in values.items()]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points)


def test_installed_plugins_are_loaded_where_a_name_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sys.path.append(str(tmp_path))
    module, function = tmp_path / "mine_f.py", tmp_path / "mine_g.py"
    module.write_text(MODEL.format(name="mine_f"))
    function.write_text(
        "def enter():\n    import eugene as eu\n    eu.register('losses', 'g')(max)"
    )
    (tmp_path / "mine_h.py").write_text("1 / 0")
    installed(monkeypatch, first="mine_f", second="mine_g:enter", third="mine_h")
    load_run_config(tree(name="cnn"))
    assert "cnn" in registries.MODELS
    assert not module.with_suffix(".imported").exists()
    with pytest.warns(EugeneWarning, match=r"plugin third \(mine_h\) cannot be loaded: ZeroDiv"):
        config = load_run_config({**tree(name="mine_f"), "module": {"loss_fxn": "g"}})
    assert config.tree["plugins"] == ["mine_f", "mine_g"]
    with pytest.raises(UnknownNameError, match=r"'mine_i'.*cannot be loaded: third \(ZeroDivision"):
        registries.MODELS.get("mine_i")


def test_installed_plugins_are_loaded_where_names_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sys.path.append(str(tmp_path))
    (tmp_path / "mine_j.py").write_text(MODEL.format(name="mine_j"))
    installed(monkeypatch, only="mine_j")
    assert "mine_j" in eu.models.list_models("mine*")


def test_the_command_line_imports_what_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine_k.py").write_text(MODEL.format(name="mine_k"))
    words = ["fit", "--data.name", "simulated", "--data.target_vars", "[label]"]
    words += ["--model.name", "mine_k", "--print_config"]
    assert main(words) == 2
    assert "no model is called 'mine_k'" in capsys.readouterr().err
    assert main([*words, "--plugin", "mine_k", "--model.width", "7"]) == 0
    shown = capsys.readouterr().out
    assert "plugins: [mine_k]" in shown
    assert "width: 7" in shown
    assert main([*words[:-1], "--plugin=mine_k.py", "--plugin", "mine_k", "--help"]) == 0
    assert "--model.width  int" in capsys.readouterr().out
    assert main(["zoo", "list", "--plugin", "mine_k"]) == 0
    assert "A network of one's own." in capsys.readouterr().out
    assert main([*words, "--plugin", "mine_none"]) == 2
    assert "the plugin mine_none cannot be imported" in capsys.readouterr().err


def test_a_name_of_ones_own_is_told_how_it_is_known() -> None:
    with pytest.raises(ConfigError) as told:
        load_run_config(tree(name="lab_transformer"))
    assert "no model is called 'lab_transformer'" in str(told.value)
    assert "One of your own is known once its file is named: --plugin FILE.py" in str(told.value)
    with pytest.raises(ConfigError) as told:
        load_run_config(tree(name="cnnn"))
    assert str(told.value).endswith("no model is called 'cnnn'; did you mean 'cnn'?")
