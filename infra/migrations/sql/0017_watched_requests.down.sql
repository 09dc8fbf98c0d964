DROP TABLE consumers.watched_requests;
