class HonourRefused(Exception):
    """The step does not apply; ``code`` says why.

    Of honours: ``code_taken``, ``year_running``, ``live_run``, ``decided``, ``changed``, ``nobody``, ``archived``,
    ``not_given``, ``measure``. Of adornments: ``not_emotional``, ``has_limit``. Of advisers: ``not_entitled``,
    ``not_staff``, ``nobody_chosen``, ``none_assigned``, ``member_gone``.
    """

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)
