"""The pages: server-rendered HTML, with htmx for what should happen without a new page.

Every page and every form works without JavaScript too. Nothing is loaded from elsewhere, and no
page needs inline scripts or styles, so the content security policy can forbid both.
"""
