"""Accounts and their safety in a browser: passkeys on a virtual authenticator, codes, sessions."""

from __future__ import annotations

from collections.abc import Iterator

import pyotp
import pytest
from playwright.sync_api import Browser, expect
from tests.e2e.visit import Site, Visit, chromium

from rostra.testing.server import free_port, serve

PASSWORD = "a platform of ships' prows"
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server at an address that passkeys can be bound to."""
    port = free_port()
    url = f"http://localhost:{port}"
    data = tmp_path_factory.mktemp("accounts") / "data"
    with serve(data, workers=2, port=port, base_url=url, log_level="info") as server:
        yield Site(server, PASSWORD, url=url)


@pytest.fixture(scope="module")
def browser(site: Site) -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


class Owner(Visit):
    """A visit of somebody who looks after an account."""

    def with_authenticator(self) -> None:
        """Plug in an authenticator that keeps passkeys and knows its owner."""
        devices = self.context.new_cdp_session(self.page)
        devices.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        devices.send("WebAuthn.addVirtualAuthenticator", {"options": options})

    def sign_up(self, name: str) -> None:
        self.page.goto("/auth/sign_up")
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("E-mail address").fill(f"{name}@rostra.test")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("checkbox").check()
        self.page.get_by_role("button", name="Create account").click()
        self.page.wait_for_url("**/home")

    def password(self, name: str) -> None:
        self.page.goto("/auth/sign_in")
        self.page.get_by_label("Username or e-mail address").fill(name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()

    def codes(self) -> list[str]:
        return self.page.locator(".codes code").all_inner_texts()


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Owner]:
    visit = Owner(browser, site)
    yield visit
    visit.close()


def _add_passkey(visit: Owner, name: str) -> None:
    visit.page.goto("/settings/security")
    visit.page.get_by_label("Name of the new passkey").fill(name)
    visit.page.locator("#passkey-password").fill(PASSWORD)
    visit.page.get_by_role("button", name="Add a passkey").click()
    expect(visit.page.get_by_text("The passkey is added.")).to_be_visible()


def test_a_passkey_is_made_signs_in_and_is_the_second_factor(
    visit: Owner, browser: Browser, site: Site
) -> None:
    visit.with_authenticator()
    visit.sign_up("keyholder")
    _add_passkey(visit, "My laptop")
    codes = visit.codes()
    assert len(codes) == 10
    expect(visit.page.locator(".settings-rows")).to_contain_text("My laptop")

    visit.forget()
    visit.page.goto("/auth/sign_in?return_to=/@keyholder")
    visit.page.get_by_role("button", name="Use a passkey").click()
    visit.page.wait_for_url("**/@keyholder")

    visit.forget()
    visit.password("keyholder")
    visit.page.wait_for_url("**/auth/second_factor*")
    visit.page.get_by_role("button", name="Use a passkey").click()
    visit.page.wait_for_url("**/home")

    plain = Owner(browser, site, scripts=False)
    plain.password("keyholder")
    expect(plain.page.get_by_role("button", name="Use a passkey")).to_have_count(0)
    plain.page.get_by_label("Recovery code").fill(codes[0])
    plain.page.get_by_role("button", name="Go on").click()
    plain.page.wait_for_url("**/home")
    plain.context.close()

    visit.page.goto("/settings/security")
    visit.page.get_by_text("Rename or remove").click()
    visit.page.get_by_label("Name", exact=True).fill("Old laptop")
    visit.page.get_by_role("button", name="Rename").click()
    expect(visit.page.locator(".settings-rows")).to_contain_text("Old laptop")
    visit.page.get_by_text("Rename or remove").click()
    visit.page.locator(".settings-rows input[type=password]").fill(PASSWORD)
    visit.page.get_by_role("button", name="Remove this passkey").click()
    expect(visit.page.get_by_text("The passkey is removed.")).to_be_visible()
    visit.forget()
    visit.password("keyholder")
    visit.page.wait_for_url("**/home")


def test_a_passkey_of_nobody_is_told_so(visit: Owner) -> None:
    visit.with_authenticator()
    visit.page.goto("/auth/sign_in")
    visit.page.get_by_role("button", name="Use a passkey").click()
    expect(visit.page.get_by_text("The passkey was not used.")).to_be_visible()


def test_a_wrong_password_keeps_a_passkey_from_being_made(visit: Owner) -> None:
    visit.with_authenticator()
    visit.sign_up("careless")
    visit.page.goto("/settings/security")
    visit.page.get_by_label("Name of the new passkey").fill("x")
    visit.page.locator("#passkey-password").fill("wrong")
    visit.page.get_by_role("button", name="Add a passkey").click()
    expect(visit.page.get_by_text("That is not your password")).to_be_visible()


def test_one_time_passwords_are_read_off_the_page(visit: Owner) -> None:
    visit.sign_up("timely")
    visit.page.goto("/settings/security")
    visit.page.locator("#one-time-password").fill(PASSWORD)
    visit.page.get_by_role("button", name="Set up").click()
    expect(visit.page.get_by_role("img", name="QR code")).to_be_visible()
    totp = pyotp.TOTP(visit.page.locator(".secret").inner_text().replace(" ", ""))
    visit.page.get_by_label("The code the app shows").fill(totp.now())
    visit.page.get_by_role("button", name="Turn on").click()
    expect(visit.page.get_by_text("One-time passwords are on.")).to_be_visible()
    codes = visit.codes()
    visit.forget()
    visit.password("timely")
    visit.page.get_by_label("Code", exact=True).fill(codes[3])
    visit.page.get_by_role("button", name="Go on").click()
    visit.page.wait_for_url("**/home")


def test_other_sessions_are_ended_from_the_list(visit: Owner, browser: Browser, site: Site) -> None:
    visit.sign_up("wanderer")
    other = Owner(browser, site)
    other.password("wanderer")
    other.page.wait_for_url("**/home")
    visit.page.goto("/settings/sessions")
    visit.page.get_by_role("button", name="End all others").click()
    expect(visit.page.locator(".settings-rows li")).to_have_count(1)
    other.page.goto("/home")
    assert "/auth/sign_in" in other.page.url
    other.context.close()


def test_an_account_is_put_away_and_brought_back(visit: Owner) -> None:
    visit.sign_up("pausing")
    visit.page.goto("/settings/delete")
    visit.page.locator("#away-password").fill(PASSWORD)
    visit.page.get_by_role("button", name="Deactivate my account").click()
    expect(visit.page.get_by_role("heading", name="Your account is deactivated")).to_be_visible()
    answer = visit.page.goto("/@pausing")
    assert answer is not None
    assert answer.status == 404
    visit.password("pausing")
    visit.page.get_by_role("button", name="Bring my account back").click()
    visit.page.wait_for_url("**/home")


def test_an_app_is_let_in_with_a_passkey(visit: Owner) -> None:
    visit.with_authenticator()
    visit.sign_up("gazetteer")
    _add_passkey(visit, "Phone")
    made = visit.context.request.post(
        "/api/v1/apps",
        form={"client_name": "Gazette", "redirect_uris": "urn:ietf:wg:oauth:2.0:oob"},
    ).json()
    visit.forget()
    visit.page.goto(
        f"/oauth/authorize?response_type=code&client_id={made['client_id']}"
        "&redirect_uri=urn:ietf:wg:oauth:2.0:oob"
    )
    visit.page.get_by_role("link", name="Use a passkey").click()
    visit.page.get_by_role("button", name="Use a passkey").click()
    visit.page.get_by_role("button", name="Authorize").click()
    expect(visit.page.locator("#code")).to_be_visible()
    visit.page.goto("/settings/apps")
    expect(visit.page.get_by_text("No app may use your account")).to_be_visible()


def test_settings_fit_on_a_phone(visit: Owner) -> None:
    visit.page.set_viewport_size(PHONE)
    visit.sign_up("pocket")
    for path in ("security", "sessions", "apps", "account", "delete"):
        visit.page.goto(f"/settings/{path}")
        wider = visit.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wider <= 0, f"{path} is {wider} pixels too wide"


def test_nothing_secret_reaches_the_log(visit: Owner, site: Site) -> None:
    visit.with_authenticator()
    visit.password("nobody@rostra.test")
    expect(visit.page.get_by_role("alert")).to_contain_text("do not belong together")
    visit.sign_up("discreet")
    visit.page.goto("/settings/security")
    log = site.log.read_text()
    assert "localhost" in log
    for secret in (PASSWORD, "rostra.test", "discreet@"):
        assert secret not in log
