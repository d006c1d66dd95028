package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// contact is the app's model. GORM saves all that a struct has, so the column of the
// queue stays out of what is saved unless it is named: see queue.
type contact struct {
	ID        string  `gorm:"type:uuid;primaryKey;default:gen_random_uuid()"`
	Email     *string `gorm:"type:text"`
	Name      *string `gorm:"type:text"`
	Nickname  string  `gorm:"type:text;not null;default:''"`
	CreatedAt time.Time
	UpdatedAt time.Time

	// contactsync's, which makes it: "-:migration" leaves it alone.
	HubspotProcessingStatus *string `gorm:"-:migration"`
}

func (contact) TableName() string { return "contacts" }

// first is the model as it was before contactsync.
type first struct {
	ID        string  `gorm:"type:uuid;primaryKey;default:gen_random_uuid()"`
	Email     *string `gorm:"type:text"`
	Name      *string `gorm:"type:text"`
	CreatedAt time.Time
	UpdatedAt time.Time
}

func (first) TableName() string { return "contacts" }

const statusColumn = "HubspotProcessingStatus"

type gormApp struct{ db *gorm.DB }

func openGORM(url string) (app, error) {
	db, err := gorm.Open(postgres.Open(url), &gorm.Config{Logger: logger.Discard})
	return gormApp{db}, err
}

func (a gormApp) before(ctx context.Context) error { return a.db.WithContext(ctx).AutoMigrate(first{}) }

func (a gormApp) after(ctx context.Context) error {
	return a.db.WithContext(ctx).AutoMigrate(contact{})
}

// statements notes what is executed.
type statements struct {
	logger.Interface
	all []string
}

func (s *statements) Trace(_ context.Context, _ time.Time, what func() (string, int64), _ error) {
	sql, _ := what()
	s.all = append(s.all, sql)
}

func (a gormApp) propose(ctx context.Context) (changes []string, err error) {
	seen := &statements{Interface: logger.Discard}
	err = a.db.Session(&gorm.Session{Logger: seen}).WithContext(ctx).AutoMigrate(contact{})
	for _, sql := range seen.all {
		if !strings.HasPrefix(strings.ToUpper(strings.TrimSpace(sql)), "SELECT") {
			changes = append(changes, sql)
		}
	}
	return changes, err
}

func (a gormApp) create(ctx context.Context, email string, status *string) error {
	name := "Ada"
	return a.db.WithContext(ctx).Create(&contact{Email: &email, Name: &name, HubspotProcessingStatus: status}).Error
}

func (a gormApp) find(ctx context.Context, email string) (c contact, err error) {
	err = a.db.WithContext(ctx).Where("email = ?", email).First(&c).Error
	return c, err
}

func (a gormApp) queue(ctx context.Context, way, email string) error {
	queued := "Queued"
	db := a.db.WithContext(ctx)
	c, err := a.find(ctx, email)
	if err != nil {
		return err
	}
	switch way {
	case "save":
		c.HubspotProcessingStatus = &queued
		return db.Save(&c).Error
	case "field":
		return db.Model(&c).Update(statusColumn, queued).Error
	case "columns": // without hooks, updated_at included
		return db.Model(&c).UpdateColumn(statusColumn, queued).Error
	case "bulk":
		return db.Model(&contact{}).Where("email = ?", email).Updates(contact{HubspotProcessingStatus: &queued}).Error
	case "raw":
		return db.Exec("UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE email = ?", email).Error
	}
	return fmt.Errorf("no way %q", way)
}

func (a gormApp) stale(ctx context.Context, email string) error {
	c, err := a.find(ctx, email)
	if err != nil {
		return err
	}
	if err := a.queue(ctx, "raw", email); err != nil {
		return err
	}
	c.Nickname = "stale"
	return a.db.WithContext(ctx).Omit(statusColumn).Save(&c).Error
}
