import MeterstoneCore
import Testing

/// Which grant pays, and what becomes of units that are held, expire or are voided.
@Suite struct BurnDownTests {
    @Test(arguments: [
        // Smaller priorities first, whatever expires.
        """
        grant late 10 priority 200 until 1
        grant early 10 priority 50
        spend 12
        have early 0 late 8 balance 8 open 1
        """,
        // Then the earliest expiry; what never expires comes last.
        """
        grant never 10
        grant far 10 until 9
        grant near 10 until 5
        spend 15
        have near 0 far 5 never 10
        """,
        // Then the oldest, by when it became effective and by number.
        """
        grant young 10 from 3
        grant old 10 from 2
        grant older 10
        grant twin 10
        at 3
        spend 25
        have older 0 twin 0 old 5 young 10
        """,
        // A scheduled grant pays nothing before its time.
        """
        grant later 10 priority 1 from 5
        grant now 10
        at 4
        have balance 10 granted 10 open 2
        deny 11
        spend 4
        at 5
        have balance 16 granted 20
        spend 4
        have later 6 now 6
        """,
    ])
    func `grants pay in their order`(script: String) throws {
        _ = try WalletScript.run(script)
    }

    @Test(arguments: [
        // From the instant of expiry on it cannot be used; what was spent stays spent.
        """
        grant a 10 until 5
        spend 4
        at 4
        spend 1
        at 5
        have balance 0 spent 5 expired 5 open 0
        deny 1
        """,
        // Held units stay held beyond the end of their grant and may still be spent.
        """
        grant a 10 until 5
        hold 1 6
        at 5
        have balance 0 held 6 expired 4 open 1
        settle 1 6 paid 6
        have balance 0 held 0 spent 6 expired 4 open 0
        """,
        // What comes back too late expires at once.
        """
        grant a 10 until 5
        grant b 10
        hold 1 12
        at 6
        settle 1 3 paid 3
        have balance 10 held 0 spent 3 expired 7 a 0 b 10
        """,
        """
        grant a 10 until 5
        hold 1 6
        at 5
        settle 1 0 paid 0
        have balance 0 held 0 spent 0 expired 10 open 0
        """,
        // A grant may come and go while nobody looks.
        """
        grant a 10 from 3 until 4
        at 9
        have balance 0 granted 10 expired 10 open 0
        """,
    ])
    func `expiry takes what is left and not what is held`(script: String) throws {
        _ = try WalletScript.run(script)
    }

    @Test(arguments: [
        """
        grant a 10
        grant b 10
        spend 3
        void a
        have balance 10 spent 3 voided 7 a 0 b 10
        """,
        // What is held is voided when it comes back.
        """
        grant a 10
        hold 1 6
        void a
        have balance 0 held 6 voided 4 open 1
        settle 1 2 paid 2
        have balance 0 held 0 spent 2 voided 8 open 0
        """,
        // Even when all of it is held.
        """
        grant a 10
        hold 1 10
        void a
        have voided 0 open 1
        settle 1 4 paid 4
        have balance 0 spent 4 voided 6 open 0
        """,
        // A scheduled grant never was in the balance.
        """
        grant a 10 from 5
        void a
        have balance 0 voided 0 open 0
        at 6
        have balance 0 granted 0
        """,
    ])
    func `voiding takes what is left and not what is held`(script: String) throws {
        _ = try WalletScript.run(script)
    }

    @Test(arguments: [
        // Holds: all, some, more than was held with and without permission.
        """
        grant a 10 priority 1
        grant b 10
        hold 1 15
        have balance 5 held 15 a 0 b 5
        settle 1 12 paid 12
        have balance 8 held 0 a 0 b 8
        """,
        """
        grant a 10
        hold 1 4
        settle 1 7 paid 4
        have balance 6 spent 4
        """,
        """
        grant a 10
        hold 1 4
        take 1 7 paid 7
        have balance 3 spent 7
        hold 2 2
        take 2 9 paid 3
        have balance 0 spent 10
        """,
        // Holding more for the same reservation is one hold.
        """
        grant a 10
        grant b 10
        hold 1 4
        hold 2 4
        hold 1 4
        have held 12 a 0 b 8
        settle 1 9 paid 8
        have held 4 balance 8 spent 8
        """,
        // A reservation that holds nothing.
        """
        grant a 10
        settle 7 3 paid 0
        take 7 3 paid 3
        settle 8 0 paid 0
        have balance 7 spent 3
        """,
    ])
    func `holds are settled`(script: String) throws {
        _ = try WalletScript.run(script)
    }

    @Test(arguments: [
        """
        overdraft 10
        grant a 5
        spend 15
        have balance -10 debt 10 open 0
        deny 1
        grant b 4
        have balance -6 debt 6 b 0 open 0
        grant c 10
        have balance 4 debt 0 c 4
        """,
        // A smaller overdraft denies, and takes nothing back.
        """
        overdraft 10
        spend 10
        overdraft 5
        deny 1
        grant a 6
        spend 1
        have balance -5 debt 5
        """,
        // What is held without a grant is paid by what has come in by the time it is settled.
        """
        overdraft 10
        hold 1 10
        have balance -10 held 10 debt 0
        grant a 4
        have balance -6 a 4
        settle 1 9 paid 9
        have balance -5 held 0 debt 5 open 0
        """,
        // What comes back from a hold pays debt back.
        """
        overdraft 10
        grant a 10
        hold 1 10
        spend 7
        have balance -7 debt 7
        settle 1 1 paid 1
        have balance 2 debt 0 a 2
        """,
        // But what has expired meanwhile cannot.
        """
        overdraft 10
        grant a 10 until 5
        hold 1 10
        spend 7
        at 5
        settle 1 0 paid 0
        have balance -7 debt 7 expired 10 open 0
        """,
        // Of a hold, grants pay first; settling more may go into overdraft.
        """
        overdraft 3
        grant a 5
        hold 1 6
        take 1 12 paid 8
        have balance -3 debt 3 spent 8 shortfall 4
        """,
        // What nobody can pay is a shortfall, also where nothing was held, and stays one.
        """
        take 1 12 paid 0
        have balance 0 debt 0 spent 0 shortfall 12
        grant a 5
        have balance 5
        hold 2 3
        settle 2 7 paid 3
        have balance 2 spent 3 shortfall 16
        """,
    ])
    func `overdraft is exact and is paid back first`(script: String) throws {
        _ = try WalletScript.run(script)
    }

    @Test(arguments: [
        """
        grant a 10 priority 1 until 9
        grant b 10 priority 7
        spend 12
        refund
        have balance 20 spent 12 refunded 12 granted 32 refund-use-1 10 refund-use-2 2
        at 9
        have balance 10 expired 10
        """,
        // What comes back after its end is gone at once, and overdraft is given back, too.
        """
        overdraft 5
        grant a 10 until 5
        spend 13
        grant b 4
        at 6
        refund
        at 7
        have balance 4 spent 13 refunded 13 expired 10 debt 0 refund-use-1 0 refund-use-2 3 b 1
        """,
        // A settled hold is refunded as it was paid.
        """
        overdraft 5
        hold 1 5
        grant a 3
        settle 1 5 paid 5
        have balance -2 debt 2
        refund
        have balance 3 debt 0 refunded 5 refund-use-1 1 refund-use-2 2
        """,
    ])
    func `refunds give back what was spent`(script: String) throws {
        let ledger = try WalletScript.run(script)
        #expect(ledger.wallet.lifetimeSpent == 0)
    }
}
