"""How personal data is shown to those who need not see it whole. Plain functions, no queries."""

_COMPOUND_SURNAMES = ("欧阳", "司马", "上官", "诸葛", "司徒", "东方", "皇甫", "尉迟", "公孙", "慕容", "令狐", "夏侯")


def mask_name(name: str) -> str:
    """``name`` with the given name hidden: 王小明 → 王*明, 王明 → 王*, 欧阳静 → 欧阳*, Yue Shen → Yue S."""
    name = name.strip()
    if not name:
        return ""
    if name.isascii() or " " in name:
        first, *rest = name.split()
        if rest:
            return f"{first} {rest[-1][0]}."
        return first[0] + "*" * min(len(first) - 1, 3)
    surname = next((s for s in _COMPOUND_SURNAMES if name.startswith(s) and len(name) > len(s)), name[0])
    given = name[len(surname) :]
    return f"{surname}*{given[-1]}" if len(given) > 1 else f"{surname}*"


def mask_phone(phone: str) -> str:
    """``phone`` with its middle hidden: 13812342716 → 138****2716; a short one keeps its last two digits."""
    phone = phone.strip()
    if len(phone) < 7:
        return "*" * max(len(phone) - 2, 0) + phone[-2:] if len(phone) > 2 else "*" * len(phone)
    head = len(phone) - 8 if len(phone) > 8 else 1
    return phone[:head] + "****" + phone[-4:]


def mask_email(email: str) -> str:
    """``email`` with its local part hidden: wang@mail.cn → w***g@mail.cn."""
    local, at, domain = email.strip().partition("@")
    if not at:
        return mask_name(email)
    return f"{local[:1]}***{local[-1:] if len(local) > 2 else ''}@{domain}"
