"""Settings: where they come from, which of them wins, and what is said of a wrong one."""

import re
from pathlib import Path

import pytest

from rostra.config import SETTINGS, Settings, SettingsError, allowed, load

MANUAL = Path(__file__).parents[2] / "docs" / "operate.md"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in an empty folder, so that no file of the checkout is found."""
    monkeypatch.chdir(tmp_path)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "some.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(
    path: Path | None = None,
    environ: dict[str, str] | None = None,
    overrides: dict[str, object] | None = None,
) -> str:
    with pytest.raises(SettingsError) as caught:
        load(path, environ, overrides)
    return caught.value.message


def test_without_anything_said_the_defaults_stand() -> None:
    assert load(None, {}, {}) == Settings()
    assert load() == Settings()


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, 'port = 1\nworkers = 1\ntitle = "file"\n')
    settings = load(path, {"ROSTRA_PORT": "2", "ROSTRA_WORKERS": "2"}, {"port": 3, "host": None})
    assert (settings.port, settings.workers, settings.title) == (3, 2, "file")


def test_the_file_is_found_in_the_data_folder_before_the_working_directory(tmp_path: Path) -> None:
    Path("rostra.toml").write_text("port = 1")
    data = tmp_path / "world"
    data.mkdir()
    assert load(None, {}, {"data": data}).port == 1
    (data / "rostra.toml").write_text("port = 2")
    assert load(None, {}, {"data": data}).port == 2
    assert load(None, {"ROSTRA_DATA": str(data)}).port == 2
    named = written(tmp_path, "port = 3")
    assert load(None, {"ROSTRA_CONFIG": str(named), "ROSTRA_DATA": str(data)}).port == 3
    assert load(named, {"ROSTRA_CONFIG": "nowhere.toml"}).port == 3


def test_text_in_the_environment_becomes_what_the_setting_is() -> None:
    settings = load(
        None,
        {"ROSTRA_REGISTRATIONS_OPEN": "False", "ROSTRA_DATA": "a/b", "ROSTRA_TITLE": "8000"},
    )
    assert settings.registrations_open is False
    assert settings.data == Path("a/b")
    assert settings.title == "8000"


def test_variables_of_tests_and_of_others_are_left_alone() -> None:
    assert load(None, {"ROSTRA_TEST_NO_SKIP": "1", "PORT": "1", "ROSTRUM": "x"}) == Settings()


def test_an_unknown_setting_is_named_with_its_place_and_the_nearest_known(tmp_path: Path) -> None:
    path = written(tmp_path, 'title = "x"\n\nprot = 80\n')
    assert refused(path) == f"prot in {path}, line 3 is not a setting; did you mean port?"
    assert refused(None, {"ROSTRA_PROT": "1"}) == (
        "ROSTRA_PROT in the environment is not a setting; did you mean ROSTRA_PORT?"
    )
    assert "known are: data, host, port" in refused(written(tmp_path, "zzz = 1"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('port = "80"', 'must be a whole number from 0 to 65535, not "80"'),
        ("port = 70000", "must be a whole number from 0 to 65535, not 70000"),
        ("port = 1.5", "not 1.5"),
        ("workers = true", "must be a whole number from 0 to 256, not true"),
        ("[port]\nx = 1", "must be a whole number"),
        ('log_level = "loud"', 'one of debug, info, warning, error, not "loud"'),
        ('base_url = "ftp://x"', "that begins with http:// or https://"),
        ('domain = "not a domain"', "a domain name"),
        ('contact_email = "me"', "an e-mail address"),
        ('registrations_open = "yes"', 'must be true or false, not "yes"'),
        ('data = ""', "the path of a folder"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(
    tmp_path: Path, line: str, said: str
) -> None:
    path = written(tmp_path, f"# a comment\n{line}\n")
    message = refused(path)
    assert said in message
    assert f"{path}, line 2" in message


def test_wrong_values_elsewhere_are_refused_too() -> None:
    assert refused(None, {"ROSTRA_PORT": "x"}) == (
        'port in the variable ROSTRA_PORT must be a whole number from 0 to 65535, not "x"'
    )
    assert "the option --max-body-bytes" in refused(None, {}, {"max_body_bytes": 1})
    assert "ROSTRA_REGISTRATIONS_OPEN" in refused(None, {"ROSTRA_REGISTRATIONS_OPEN": "maybe"})


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path / "missing.toml")
    assert "not valid TOML" in refused(written(tmp_path, "port = "))
    path = tmp_path / "latin.toml"
    path.write_bytes(b'title = "\xe9"')
    assert "not UTF-8" in refused(path)


def test_the_address_comes_from_base_url_or_else_from_host_and_port() -> None:
    assert Settings().url == "http://127.0.0.1:8000"
    assert Settings(host="::1", port=80).url == "http://[::1]:80"
    assert Settings(base_url="https://social.example/").url == "https://social.example"


def test_every_setting_has_its_heading_in_the_manual_and_every_heading_its_setting() -> None:
    section = MANUAL.read_text(encoding="utf-8").split("\n## Settings\n")[1].split("\n## ")[0]
    headings = re.findall(r"^### `([a-z_]+)`$", section, re.MULTILINE)
    assert headings == list(SETTINGS)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_manual_says_what_a_setting_may_be_and_its_default(name: str) -> None:
    text = MANUAL.read_text(encoding="utf-8").split(f"\n### `{name}`\n")[1].split("\n##")[0]
    text = " ".join(text.split())
    default = getattr(Settings(), name)
    shown = str(default).lower() if isinstance(default, bool) else str(default)
    assert f"`ROSTRA_{name.upper()}`" in text
    assert " ".join(allowed(name).split()) in text
    assert (f"`{shown}`" if shown else "Default: empty") in text
