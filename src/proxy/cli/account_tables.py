"""How accounts are printed. Of keys, only the visible part ever is, but where one was just made."""

import argparse
from collections.abc import Sequence

from proxy.accounts.account import GRANULARITIES, AccountInfo, Usage, UsageRow
from proxy.cli.output import NONE, format_time, print_json, print_table


def print_accounts(args: argparse.Namespace, accounts: Sequence[AccountInfo]) -> None:
    """Print a line for each account, with the use of the groups of models that `args` names."""
    if args.json:
        print_json(accounts)
        return
    groups = getattr(args, "show_model_groups", [])
    headers = ["id", "key", "description", "emails", "groups", "role", "last used"]
    headers += [f"{group}.{granularity}" for group in groups for granularity in GRANULARITIES]
    print_table(headers, [_cells(account, groups) for account in accounts])


def print_with_key(args: argparse.Namespace, account: AccountInfo) -> None:
    """Print an account whose key was just made."""
    if args.json:
        print_json(account)
        return
    print_accounts(args, [account])
    print(f"\nIts key, shown only now: {account.api_key}")


def print_details(args: argparse.Namespace, account: AccountInfo) -> None:
    """Print all that is known of an account."""
    if args.json:
        print_json(account)
        return
    print_accounts(args, [account])
    print()
    print_table(
        ["key id", "key", "made", "expires", "revoked", "last used"],
        [
            [
                *(str(key.id), key.prefix),
                *map(format_time, (key.created_at, key.expires_at)),
                *map(format_time, (key.revoked_at, key.last_used_at)),
            ]
            for key in account.keys
        ],
    )
    print()
    print_table(
        ["models", "period", "tokens", "quota", "cost", "cost quota"],
        [
            [group, usage.period, *_token_cells(usage), *_cost_cells(usage)]
            for group, usages in account.usages.items()
            for usage in usages.values()
        ],
    )


def print_usage(args: argparse.Namespace, rows: Sequence[UsageRow]) -> None:
    """Print a line for each day, account and model."""
    if args.json:
        print_json(rows)
        return
    print_table(
        ["day", "account", "group", "model", "requests", "cached", "prompt", "completion", "cost"],
        [
            [
                *(row.day, str(row.account_id), row.group, row.model),
                *(f"{row.requests:,}", f"{row.cached_requests:,}"),
                *(f"{row.prompt_tokens:,}", f"{row.completion_tokens:,}", f"{row.cost:.4f}"),
            ]
            for row in rows
        ],
    )


def _cells(account: AccountInfo, groups: Sequence[str]) -> list[str]:
    nothing = Usage(period="")
    usages = [
        account.usages.get(group, {}).get(granularity, nothing)
        for group in groups
        for granularity in GRANULARITIES
    ]
    return [
        str(account.id),
        account.key_prefix or NONE,
        account.description or NONE,
        ", ".join(account.emails) or NONE,
        ", ".join(account.groups) or NONE,
        "admin" if account.is_admin else NONE,
        format_time(account.last_used_at),
        *map(_usage_cell, usages),
    ]


def _usage_cell(usage: Usage) -> str:
    used = f"{usage.used:,}" if usage.quota is None else f"{usage.used:,}/{usage.quota:,}"
    if usage.cost_quota is None:
        return used
    return f"{used} ${usage.cost_used:,.2f}/${usage.cost_quota:,.2f}"


def _token_cells(usage: Usage) -> tuple[str, str]:
    return f"{usage.used:,}", NONE if usage.quota is None else f"{usage.quota:,}"


def _cost_cells(usage: Usage) -> tuple[str, str]:
    quota = NONE if usage.cost_quota is None else f"{usage.cost_quota:,.2f}"
    return f"{usage.cost_used:,.4f}", quota
