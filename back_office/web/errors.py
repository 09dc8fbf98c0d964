"""Every error as a page that says what to do."""

from dataclasses import dataclass
from urllib.parse import urlencode

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from back_office.apis.errors import ApiAway, ApiRefused
from back_office.web.addresses import safe_next
from back_office.web.forms import FormRefused
from back_office.web.templates import page
from back_office.web.visitor import LoginNeeded, NotAllowed, Visitor, open_session
from back_office.web.words import words

log = structlog.get_logger(__name__)

_NOT_FOUND = 404
_KEY_REFUSED = {401, 403}
_SERVER_ERROR = 500
_BEGIN_ANEW = "Correct the address, or begin anew with the search."


class NotThereYet(Exception):
    """What is asked for as of a moment was made later; the text says when."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A page of an error: what happened, and what to do about it."""

    status: int
    title: str
    text: str
    remedy: str
    retry_after_s: float | None = None
    again: str = ""
    """Where to try again; empty: at the same address."""


def install_error_pages(app: FastAPI) -> None:
    """Answer errors with pages."""
    app.add_exception_handler(LoginNeeded, _on_login_needed)
    for error in (NotAllowed, FormRefused, NotThereYet, ApiAway, ApiRefused, RequestValidationError, HTTPException):
        app.add_exception_handler(error, _on_error)
    app.add_middleware(UnexpectedErrors)


class UnexpectedErrors:
    """ASGI middleware that answers what nobody foresaw with a page, as long as nothing was sent yet."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; other ASGI scopes pass through."""
        began = False

        async def noticing(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._app(scope, receive, noticing)
        except Exception as error:
            if began or scope["type"] != "http":
                raise
            log.exception("unexpected_error", method=scope["method"])
            response = await _on_error(Request(scope, receive), error)
            await response(scope, receive, send)


def described(error: Exception) -> Shown:
    """Return what a page says of an error."""
    match error:
        case ApiAway() | ApiRefused():
            return _of_api(error)
        case NotAllowed(role=role, permission=permission):
            text = f"The role {role} may not do this: {words(permission.value).lower()}."
            shown = (403, "Not allowed", text, "Ask somebody whose role may.")
        case FormRefused(again=again):
            remedy = (
                "Nothing was done. Try again shows the form with what you wrote."
                if again
                else "Nothing was done. Go back, reload the page and send it again."
            )
            title = "The form was not accepted"
            return Shown(
                status=403, title=title, text=str(error), remedy=remedy, again=safe_next(again) if again else ""
            )
        case NotThereYet():
            remedy = "Write a later time, or look at it as it is now: times are in UTC unless they say their zone."
            shown = (404, "Not there yet", str(error), remedy)
        case RequestValidationError():
            shown = (400, "Not understood", "The address has a wrong parameter.", _BEGIN_ANEW)
        case HTTPException(status_code=status) if status == _NOT_FOUND:
            shown = (status, "Not found", "There is no such page.", "Search for what you have an id of.")
        case HTTPException(status_code=status):
            shown = (status, "Not possible", str(error.detail), "Go back.")
        case _:
            remedy = "It was recorded. Try again; if it comes back, tell who runs the system, with the request id."
            shown = (500, "Something went wrong", "This page could not be made.", remedy)
    status, title, text, remedy = shown
    return Shown(status=status, title=title, text=text, remedy=remedy)


def _of_api(error: ApiAway | ApiRefused) -> Shown:
    if isinstance(error, ApiAway):
        text = f"The {error.api} does not answer."
        remedy = "Nothing is lost: payments are kept in the log. Try again in a moment; see System if it lasts."
        return Shown(status=503, title="Not available now", text=text, remedy=remedy, retry_after_s=5)
    status, title, text, remedy = error.status, error.title or "Not possible", error.detail, _BEGIN_ANEW
    if status == _NOT_FOUND:
        title, text = "Not found", "Nothing here has this id."
        remedy = "Check the id: it may be another merchant's. What was made this second may take a moment to show."
    elif status in _KEY_REFUSED:
        status, title = 502, "The back office is not let in"
        text = f"The {error.api} does not accept the back office's API key: {error.detail}"
        remedy = "Whoever runs the system gives BACK_OFFICE_API_KEY a key with the scopes of docs/back-office.md."
    elif error.code == "projection_behind":
        title, text = (
            "A moment, please",
            "The read model is behind: you would not see what you just did.",
        )
        remedy = "Reload in a moment."
    elif status >= _SERVER_ERROR:
        status, remedy = 503, "Try again in a moment."
    return Shown(status=status, title=title, text=text, remedy=remedy, retry_after_s=error.retry_after_s)


async def _on_login_needed(_: Request, error: Exception) -> Response:
    assert isinstance(error, LoginNeeded)
    return RedirectResponse(f"/login?{urlencode({'next': error.address})}", status_code=303)


async def _on_error(request: Request, error: Exception) -> Response:
    shown = described(error)
    if isinstance(error, ApiAway | ApiRefused):
        log.warning("api_error", api=error.api, error=str(error))
    context = request.scope.get("paystream.context")
    response = page(
        request,
        "error.html",
        await _visitor(request),
        status=shown.status,
        shown=shown,
        request_id=context.request_id if context else "",
    )
    if shown.retry_after_s is not None:
        response.headers["Retry-After"] = f"{shown.retry_after_s:.0f}"
    return response


async def _visitor(request: Request) -> Visitor | None:
    session = await open_session(request)
    return None if session is None else Visitor(session=session)
