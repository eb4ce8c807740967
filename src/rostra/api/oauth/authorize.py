"""The consent page: sign in, say yes or no, go back with a code (RFC 6749 §4.1)."""

from __future__ import annotations

import secrets
from typing import Any, Final, cast
from urllib.parse import urlencode

from msgspec import Struct, structs
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from rostra.api.messages import pairs
from rostra.api.oauth.pages import STYLE, page, stylesheet
from rostra.domain.accounts import Account
from rostra.domain.addresses import client_address
from rostra.domain.errors import Forbidden, RostraError, Told, TooLarge, TooMany, told
from rostra.domain.text import without_controls
from rostra.language import i18n, said
from rostra.language.scopes import explained
from rostra.ports import Application, Context, Snapshot
from rostra.services.authentication import factors, oauth, sessions
from rostra.services.authentication.factors import Proof
from rostra.services.authentication.oauth import OUT_OF_BAND, OAuthError
from rostra.services.authentication.sign_in import prove

MAX_FORM_BYTES: Final = 64 * 1024
FORM_COOKIE_S: Final = 60 * 60
TRUE: Final = frozenset({"1", "t", "true", "on"})
STALE: Final = told("This page is too old to be sent. Go back to the application and start again.")
MISMATCH: Final = told("That login and password do not belong together. Try again.")


class Asked(Struct, frozen=True):
    """An authorization request as it came in; it travels through the forms as it is."""

    response_type: str = ""
    client_id: str = ""
    redirect_uri: str = ""
    scope: str = ""
    state: str = ""
    code_challenge: str = ""
    code_challenge_method: str = ""
    force_login: str = ""

    @classmethod
    def of(cls, fields: dict[str, str]) -> Asked:
        """Return the request in the fields of an address or a form."""
        return cls(**{name: fields.get(name, "") for name in cls.__struct_fields__})

    @property
    def given(self) -> dict[str, str]:
        """What was given, to be sent along."""
        return {name: value for name, value in structs.asdict(self).items() if value}


class Checked(Struct, frozen=True):
    """A request that may be put to a person: who asks, for what, and the PKCE challenge."""

    application: Application
    scopes: str
    challenge: str | None


class Refusal(Exception):
    """The request is at fault, and the application is to be told by its redirect URI."""

    def __init__(self, error: OAuthError) -> None:
        super().__init__(str(error))
        self.error = error


def check(snap: Snapshot, asked: Asked) -> Checked:
    """Return what is asked for, after checking who asks and where the answer would go.

    Raises:
        OAuthError: the application or its redirect URI is unknown, so that nobody can be told but
            the person (RFC 6749 §4.1.2.1).
        Refusal: something else is at fault.
    """
    application = oauth.client(snap, asked.client_id)
    if asked.redirect_uri not in application.redirect_uris:
        raise OAuthError(
            "invalid_request", "The redirect URI is not one that the application registered."
        )
    try:
        if asked.response_type != "code":
            raise OAuthError(
                "unsupported_response_type",
                "The authorization server does not support this response type.",
            )
        scopes = oauth.granted_scopes(application, asked.scope)
        challenge = oauth.check_challenge(asked.code_challenge, asked.code_challenge_method)
    except OAuthError as error:
        raise Refusal(error) from None
    return Checked(application, scopes, challenge)


def _back(asked: Asked, **answer: str) -> Response:
    """Send the person back to the application with an answer."""
    if asked.state:
        answer["state"] = asked.state
    joint = "&" if "?" in asked.redirect_uri else "?"
    return RedirectResponse(asked.redirect_uri + joint + urlencode(answer), 302)


def _refused(ctx: Context, asked: Asked, error: OAuthError) -> Response:
    if asked.redirect_uri == OUT_OF_BAND:
        return page(ctx, "refused.html", status=400, error=said.told(error.told))
    return _back(asked, error=error.code, error_description=error.message)


class Pages:
    """The pages of one process.

    Args:
        ctx: the services' context.
    """

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx

    def _cookie(self, response: Response, name: str, value: str, *, age_s: int) -> None:
        attributes = sessions.cookie_attributes(self.ctx.settings)
        response.set_cookie(name, value, max_age=age_s, **attributes)

    def _session_token(self, request: Request) -> str:
        return request.cookies.get(sessions.cookie(self.ctx.settings), "")

    def _address(self, request: Request) -> str:
        return client_address(self.ctx.settings.proxies)(request.scope)

    def _signed_in(self, snap: Snapshot, request: Request) -> Account | None:
        ordinal = sessions.account_of(snap, self._session_token(request))
        return snap.accounts.get(ordinal) if ordinal is not None else None

    def _sign_in_form(
        self,
        request: Request,
        asked: Asked,
        checked: Checked,
        *,
        error: Told | None = None,
        login: str = "",
        status: int = 200,
    ) -> Response:
        secret = request.cookies.get(
            sessions.form_cookie(self.ctx.settings)
        ) or secrets.token_urlsafe(16)
        response = page(
            self.ctx,
            "sign_in.html",
            status=status,
            application=checked.application,
            asked=asked.given,
            csrf=sessions.csrf_token(secret),
            elsewhere=f"/auth/sign_in?{urlencode({'return_to': self._again_path(asked)})}",
            error=said.told(error) if error else "",
            login=login,
        )
        self._cookie(response, sessions.form_cookie(self.ctx.settings), secret, age_s=FORM_COOKIE_S)
        return response

    async def ask(self, request: Request) -> Response:
        """Show the form to sign in, or the question."""
        asked = Asked.of(dict(pairs(request.scope["query_string"])))
        try:
            with self.ctx.store.read() as snap:
                checked = check(snap, asked)
                account = self._signed_in(snap, request)
        except Refusal as refusal:
            return _refused(self.ctx, asked, refusal.error)
        if account is None or asked.force_login.lower() in TRUE:
            return self._sign_in_form(request, asked, checked)
        token = self._session_token(request)
        return page(
            self.ctx,
            "consent.html",
            application=checked.application,
            account=account,
            asked=asked.given,
            scopes=explained(checked.scopes),
            csrf=sessions.csrf_token(token),
        )

    async def answer(self, request: Request) -> Response:
        """Act on a form of these pages: sign in, change the account, say yes or no."""
        form = await _form(request)
        asked = Asked.of(form)
        try:
            with self.ctx.store.read() as snap:
                checked = check(snap, asked)
                account = self._signed_in(snap, request)
        except Refusal as refusal:
            return _refused(self.ctx, asked, refusal.error)
        act = form.get("act", "")
        if act == "sign_in":
            return await self._sign_in(request, form, asked, checked)
        token = self._session_token(request)
        if account is None or not sessions.csrf_valid(token, form.get("csrf", "")):
            raise Forbidden(STALE)
        if act == "change":
            await sessions.delete(self.ctx, token)
            return self._again(asked)
        if act != "authorize":
            return _refused(
                self.ctx,
                asked,
                OAuthError(
                    "access_denied",
                    "The resource owner or authorization server denied the request.",
                ),
            )
        return await self._grant(asked, checked, account)

    async def _grant(self, asked: Asked, checked: Checked, account: Account) -> Response:
        code = await oauth.issue_code(
            self.ctx,
            account=account.ordinal,
            application=checked.application,
            redirect_uri=asked.redirect_uri,
            scopes=checked.scopes,
            challenge=checked.challenge,
        )
        if asked.redirect_uri == OUT_OF_BAND:
            return RedirectResponse(f"/oauth/authorize/native?{urlencode({'code': code})}", 303)
        return _back(asked, code=code)

    async def _sign_in(
        self, request: Request, form: dict[str, str], asked: Asked, checked: Checked
    ) -> Response:
        secret = request.cookies.get(sessions.form_cookie(self.ctx.settings), "")
        login = form.get("login", "").strip().removeprefix("@")
        if not secret or not sessions.csrf_valid(secret, form.get("csrf", "")):
            return self._sign_in_form(request, asked, checked, error=STALE, login=login, status=422)
        try:
            proof = await prove(
                self.ctx,
                login=login,
                password=form.get("password", ""),
                address=self._address(request),
            )
            with self.ctx.store.read() as snap:
                snap.gate.require_may_act(proof.account)
            with self.ctx.store.read() as snap:
                second = factors.overview(snap, proof.account).any
            if second:
                return await self._ask_second(asked, proof)
            token = await sessions.create(
                self.ctx,
                proof.account,
                user_agent=request.headers.get("user-agent", ""),
                address=self._address(request),
                require=proof.require,
            )
        except RostraError as error:
            if error.status >= 500:
                raise
            message = MISMATCH if error.status == 401 else error.told
            status = 429 if error.status == 429 else 422
            shown = self._sign_in_form(
                request, asked, checked, error=message, login=login, status=status
            )
            if isinstance(error, TooMany):
                shown.headers["Retry-After"] = str(error.retry_after)
            return shown
        response = self._again(asked)
        self._cookie(
            response, sessions.cookie(self.ctx.settings), token, age_s=sessions.LIFETIME_MS // 1000
        )
        return response

    async def _ask_second(self, asked: Asked, proof: Proof) -> Response:
        """Send somebody whose password was right to prove a second factor, and back from there."""
        token = await factors.begin_sign_in(self.ctx, proof)
        path = sessions.second_factor_path(self._again_path(asked))
        response = RedirectResponse(path, 303)
        name = sessions.factor_cookie(self.ctx.settings)
        self._cookie(response, name, token, age_s=factors.CHALLENGE_MS // 1000)
        return response

    @staticmethod
    def _again(asked: Asked) -> Response:
        """Return to the question, without asking for the password anew."""
        return RedirectResponse(Pages._again_path(asked), 303)

    @staticmethod
    def _again_path(asked: Asked) -> str:
        given = {name: value for name, value in asked.given.items() if name != "force_login"}
        return f"/oauth/authorize?{urlencode(given)}"

    async def native(self, request: Request) -> Response:
        """Show a code to be copied into an application that has no address of its own."""
        fields = dict(pairs(request.scope["query_string"]))
        return page(self.ctx, "code.html", code=fields.get("code", ""))

    def _guarded(self, handle: Any) -> Any:
        async def respond(request: Request) -> Response:
            with i18n.speaking(i18n.of_request(request)):
                try:
                    return cast(Response, await handle(request))
                except RostraError as error:
                    status = error.http_status if isinstance(error, OAuthError) else error.status
                    told_ = said.told(error.told)
                    return page(self.ctx, "refused.html", status=status, error=told_)

        return respond

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the pages."""
        return [
            Route(STYLE, stylesheet, methods=["GET"]),
            Route("/oauth/authorize", self._guarded(self.ask), methods=["GET"]),
            Route("/oauth/authorize", self._guarded(self.answer), methods=["POST"]),
            Route("/oauth/authorize/native", self._guarded(self.native), methods=["GET"]),
        ]


async def _form(request: Request) -> dict[str, str]:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_FORM_BYTES:
            raise TooLarge("The form is too large. Go back and try again.")
    return {name: without_controls(value) for name, value in pairs(bytes(body))}
