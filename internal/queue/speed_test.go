package queue

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkClaimAndSettle is the database's part of a cycle: contacts a second, without a
// request between.
func BenchmarkClaimAndSettle(b *testing.B) {
	for _, size := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			const waiting = 20000
			db := newBench(b)
			db.queued(waiting)
			db.exec(`VACUUM ANALYZE contacts`)
			q := db.leader(0)
			contacts := 0
			var took time.Duration
			for b.Loop() {
				began := time.Now()
				batch := claim(b, q, size)
				settle(b, q, batch, synced)
				took += time.Since(began)
				if contacts += len(batch.Contacts); len(batch.Contacts) < size {
					b.StopTimer()
					db.exec(`UPDATE contacts SET hubspot_processing_status = 'Queued'`)
					db.exec(`VACUUM ANALYZE contacts`)
					b.StartTimer()
				}
			}
			b.ReportMetric(float64(contacts)/took.Seconds(), "contacts/s")
		})
	}
}
