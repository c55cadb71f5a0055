"""Every way on which a network meets test images: counted by its run and the ledger, or barred."""
