from django import forms
from django.forms.renderers import DjangoTemplates
from django.test import SimpleTestCase
from django.utils.translation import gettext_lazy

from config.console.form_renderer import QuickRenderer

GROUPED = [("", gettext_lazy("Any")), ("Metals", [(1, "Gold & <silver>"), ('"2"', "Tin")]), (3, "Wood")]


class Everything(forms.Form):
    one = forms.ChoiceField(choices=GROUPED, required=False)
    typed = forms.TypedChoiceField(choices=[(7, "In 7 days"), (30, "In 30 days")], coerce=int)
    many = forms.MultipleChoiceField(choices=GROUPED)
    text = forms.CharField()


class QuickRendererTests(SimpleTestCase):
    def test_a_select_is_what_django_writes(self):
        values = {"one": '"2"', "typed": "30", "many": ["1", "3"], "text": "x"}
        for data in (None, values):
            for name in Everything.base_fields:
                quick, slow = (
                    Everything(data, renderer=renderer)[name] for renderer in (QuickRenderer(), DjangoTemplates())
                )
                attrs = {"class": "form-select", "data-x": "<>", "disabled": True}
                self.assertHTMLEqual(quick.as_widget(attrs=attrs), slow.as_widget(attrs=attrs))
