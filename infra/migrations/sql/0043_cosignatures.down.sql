-- The newest checkpoint in the folder or bucket has its signatures too; witnesses are asked anew for those that come.
DROP TABLE event_proofs.cosignatures;
