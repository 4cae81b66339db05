"""What every template must hold to: icons that exist, nothing inline, every icon of the sprite well-formed."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.template import Context, Engine, TemplateSyntaxError, engines
from django.template.loader import get_template
from django.test import RequestFactory

from config.console.menu import MENU
from config.console.templatetags.console import staff_name
from config.staff.models import User
from members.lifecycle.lifecycle import State

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
SPRITE = settings.BASE_DIR / "static" / "icons.svg"


def symbols() -> set[str]:
    return {
        str(node.get("id")) for node in ElementTree.parse(SPRITE).getroot().iter("{http://www.w3.org/2000/svg}symbol")
    }


def test_every_state_has_its_glyph_and_hue():
    tokens = (settings.BASE_DIR / "static" / "css" / "tokens.css").read_text()
    for state in State.values:
        assert f"g-{state}" in symbols()
        assert f'[data-state="{state}"]' in tokens


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(settings.BASE_DIR / "templates")))
def test_template_names_real_icons_and_keeps_the_policy(path: Path):
    text = path.read_text()
    named = set(re.findall(r'{%\s*icon\s+"([\w-]+)"', text)) | set(re.findall(r'icon\|default:"([\w-]+)"', text))
    assert {f"i-{name}" for name in named} <= symbols()
    assert not re.search(r"\sstyle\s*=", text)
    assert not re.search(r"<style", text)
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)


def test_menu_icons_exist():
    assert {f"i-{item.icon}" for item in MENU} <= symbols()


@pytest.mark.parametrize("name", ["400.html", "403.html", "403_csrf.html", "404.html", "500.html"])
def test_error_pages_need_no_context(name):
    """The handler of a broken request renders its page with an empty context."""
    html = get_template(name).render({})
    assert "<h1>" in html
    assert 'data-bs-theme="light"' in html


def render(text: str, **context: object) -> str:
    return (
        engines["django"]
        .from_string("{% load console states %}" + text)
        .render(context, RequestFactory().get("/?sort=x&after=9&q=1"))
    )


def test_component_sees_only_its_own_values():
    html = render('{% component "card" title="T" %}{{ note }}{% endcomponent %}', note="outer", label="leak")
    assert ">outer<" in html.replace("\n", "")
    assert "leak" not in html


def test_slot_stands_only_inside_a_component():
    with pytest.raises(TemplateSyntaxError):
        render('{% slot "actions" %}x{% endslot %}')


def test_component_escapes_values_but_not_its_content():
    html = render('{% component "card" title=t %}<b>{{ t }}</b>{% endcomponent %}', t="<i>")
    assert "<b>&lt;i&gt;</b>" in html
    assert "<h2>&lt;i&gt;</h2>" in html


def test_sort_head_toggles_and_forgets_the_page():
    up = render('{% sort_th "x" "X" "#list" %}')
    assert 'aria-sort="ascending"' in up
    assert "sort=-x" in up
    assert "after" not in up
    assert "q=1" in up
    assert "aria-sort" not in render('{% sort_th "y" "Y" %}')


def test_state_is_glyph_and_word():
    html = render('{% state "expiring" %}')
    assert "#g-expiring" in html
    assert "Expiring" in html
    assert "—" in render("{% state value %}", value=None)


def test_colleagues_are_named_in_the_order_of_their_script():
    assert staff_name(User(username="zq", first_name="晴", last_name="周")) == "周晴"
    assert staff_name(User(username="ys", first_name="Yue", last_name="Shen")) == "Yue Shen"
    assert staff_name(User(username="ys")) == "ys"
    assert staff_name(None) == "System"


def test_names_are_escaped():
    assert "<script" not in render("{% person name %}", name="<script>alert(1)</script>")


def test_partial_renders_components():
    engine = Engine(
        loaders=[
            (
                "template_partials.loader.Loader",
                [
                    (
                        "django.template.loaders.locmem.Loader",
                        {
                            "page.html": "{% load partials console %}{% partialdef part inline %}"
                            '{% component "card" title="T" %}x{% endcomponent %}{% endpartialdef %}',
                            "components/card.html": "<h2>{{ title }}</h2>{{ content }}",
                        },
                    ),
                ],
            ),
        ],
        libraries={
            "console": "config.console.templatetags.console",
            "partials": "template_partials.templatetags.partials",
        },
    )
    assert "<h2>T</h2>x" in engine.get_template("page.html#part").render(Context())
