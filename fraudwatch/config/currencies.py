"""How many decimals the minor unit of a currency has (ISO 4217, list one)."""

USUAL_DIGITS = 2

_DIGITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_DIGITS_OF = {currency: digits for digits, names in _DIGITS.items() for currency in names.split()}


def minor_digits(currency: str) -> int:
    """Decimals between the major and the minor unit: 2 for EUR, 0 for JPY, 3 for KWD; 2 for an unknown one."""
    return _DIGITS_OF.get(currency, USUAL_DIGITS)
