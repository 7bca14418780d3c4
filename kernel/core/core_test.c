// SPDX-License-Identifier: MIT
/* Reference counts, command line, log, random numbers, fault injection. */
#include "core/command_line.h"
#include "core/fault_injection.h"
#include "core/log.h"
#include "core/random.h"
#include "core/refcount.h"
#include "core/spinlock.h"
#include "host/machine.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "unit.h"

TEST(references)
{
	struct refcount count;

	refcount_init(&count, 1);
	EXPECT(refcount_alone(&count));
	refcount_get(&count);
	EXPECT(refcount_try_get(&count));
	EXPECT_EQ(refcount_read(&count), 3);
	EXPECT(!refcount_put(&count) && !refcount_put(&count) && refcount_put(&count));
	EXPECT(!refcount_try_get(&count));
}

static void get_on_zero(void)
{
	struct refcount count = {0};

	refcount_get(&count);
}

static void put_on_zero(void)
{
	struct refcount count = {0};

	EXPECT(refcount_put(&count));
}

static void lock_out_of_order(void)
{
	struct spinlock inner = SPINLOCK_INIT(RANK_LOG, "inner");
	struct spinlock outer = SPINLOCK_INIT(RANK_DENTRY, "outer");

	spin_lock(&inner);
	spin_lock(&outer);
}

static void lock_twice(void)
{
	struct spinlock lock = SPINLOCK_INIT(RANK_LOG, "lock");

	spin_lock(&lock);
	spin_lock(&lock);
}

static void unlock_of_a_free_lock(void)
{
	struct spinlock lock = SPINLOCK_INIT(RANK_LOG, "lock");

	spin_unlock(&lock);
}

TEST(mistakes_panic)
{
	EXPECT_EQ(host_machine_run(1, 1, get_on_zero), 255);
	EXPECT_EQ(host_machine_run(1, 1, put_on_zero), 255);
	EXPECT_EQ(host_machine_run(1, 1, lock_out_of_order), 255);
	EXPECT_EQ(host_machine_run(1, 1, lock_twice), 255);
	EXPECT_EQ(host_machine_run(1, 1, unlock_of_a_free_lock), 255);
}

TEST(locks_in_order)
{
	struct spinlock a = SPINLOCK_INIT(RANK_DENTRY, "a"),
			b = SPINLOCK_INIT(RANK_DENTRY, "b");
	struct spinlock inner = SPINLOCK_INIT(RANK_LOG, "inner");

	spin_lock_pair(&b, &a);
	spin_lock(&inner);
	spin_unlock_pair(&b, &a);
	EXPECT(!spin_try_lock(&inner));
	spin_unlock(&inner);
	EXPECT(spin_try_lock(&inner));
	spin_assert_held(&inner);
	spin_unlock(&inner);
	spin_lock_pair(&a, &a);
	spin_unlock_pair(&a, &a);
}

TEST(command_line)
{
	const char *text = "console=ttyS0 quiet console=hvc0  x=\"a b\" \"y=c d\" word "
			   "heddle.seed=0x10 panic=-1 virtio_mmio.device=a -- -c \"echo "
			   "hi\" quiet=1";
	const char *words[8];

	command_line_init(text);
	EXPECT(strcmp(command_line_text(), text) == 0);
	EXPECT(command_line_has("quiet") && !command_line_has("console"));
	EXPECT(strcmp(command_line_value("console"), "hvc0") == 0);
	EXPECT(strcmp(command_line_nth("console", 0), "ttyS0") == 0);
	EXPECT(!command_line_nth("console", 2) && !command_line_value("quiet"));
	EXPECT(strcmp(command_line_value("x"), "a b") == 0);
	EXPECT_EQ(command_line_number("heddle.seed", 7), 16);
	EXPECT_EQ(command_line_number("panic", 7), 7);
	REQUIRE(command_line_init_arguments(words, 8) == 4);
	EXPECT(strcmp(words[0], "word") == 0 && strcmp(words[1], "-c") == 0);
	EXPECT(strcmp(words[2], "echo hi") == 0 && strcmp(words[3], "quiet=1") == 0);
	REQUIRE(command_line_init_environment(words, 8) == 2);
	EXPECT(strcmp(words[0], "x=a b") == 0 && strcmp(words[1], "y=c d") == 0);
	EXPECT_EQ(command_line_init_arguments(words, 1), 1);
}

TEST(a_long_command_line_is_cut)
{
	static char text[10000];
	const char *words[8];

	memset(text, 'a', sizeof(text) - 1);
	command_line_init(text);
	EXPECT_EQ(strlen(command_line_text()), 4095);
	EXPECT_EQ(command_line_init_arguments(words, 8), 1);
	for (unsigned i = 0; i < sizeof(text) - 1; i++) {
		text[i] = i % 2 ? ' ' : 'b';
	}
	command_line_init(text);
	EXPECT_EQ(command_line_init_arguments(words, 8), 8);
}

static unsigned printed, news;

static void sink(const char *text, size_t size)
{
	printed += size > 0 && text[size - 1] == '\n';
}

static void hear_news(void)
{
	news++;
}

TEST(log_keeps_the_newest_records)
{
	struct log_record record;
	char text[LOG_TEXT_MAX];
	u64 place = 0, sequence = 0;
	unsigned count = 0;
	int result;

	log_set_console_level(4);
	log_set_sink(sink);
	for (unsigned i = 0; i < 3000; i++) {
		log_line(i % 2 ? LOG_ERROR : LOG_INFO, "line %u of many\nwith a break",
			 i);
	}
	EXPECT_EQ(printed, 1500);
	EXPECT_EQ(log_read(&place, &record, text, sizeof(text)), -EPIPE);
	EXPECT_EQ(place, log_oldest());
	while ((result = log_read(&place, &record, text, sizeof(text))) == 0) {
		EXPECT(!memchr(text, '\n', record.size) && !memcmp(text, "line ", 5));
		EXPECT(count == 0 || record.sequence == sequence + 1);
		EXPECT_EQ(record.priority, record.sequence % 2 ? LOG_ERROR : LOG_INFO);
		sequence = record.sequence;
		count++;
	}
	EXPECT_EQ(result, -EAGAIN);
	EXPECT_EQ(sequence, 2999);
	EXPECT(count > 1000 && count < 3000);
	EXPECT_EQ(place, log_newest());
}

TEST(log_records_carry_any_text)
{
	static char large[LOG_TEXT_MAX + 100], text[LOG_TEXT_MAX];
	static char shown[LOG_RECORD_TEXT_MAX];
	struct log_record record;
	u64 place = log_newest();
	unsigned lines = printed;

	log_append(3 * 8 + LOG_ERROR, "two\nlines\\\x80", 11);
	EXPECT_EQ(printed, lines + 2);
	EXPECT_EQ(log_read(&place, &record, text, 3), 0);
	EXPECT(record.size == 11 && record.priority == 27 && !memcmp(text, "two", 3));
	record = (struct log_record){7, 61000002, 27, 11};
	shown[log_format_record(&record, "two\nlines\\\x80", shown)] = '\0';
	EXPECT(!strcmp(shown, "27,7,61000002,-;two\\x0alines\\x5c\\x80\n"));
	shown[log_format_lines(&record, "two\nlines\\\x80", shown)] = '\0';
	EXPECT(!strcmp(shown,
		       "<27>[   61.000002] two\n<27>[   61.000002] lines\\\x80\n"));
	memset(large, '\n', sizeof(large));
	log_append(LOG_INFO, large, sizeof(large));
	EXPECT_EQ(log_read(&place, &record, text, sizeof(text)), 0);
	EXPECT_EQ(record.size, LOG_TEXT_MAX);
	EXPECT(log_format_record(&record, text, shown) <= LOG_RECORD_TEXT_MAX);
	EXPECT(log_format_lines(&record, text, shown) <= LOG_LINES_TEXT_MAX);
	EXPECT_EQ(log_read(&place, &record, text, 0), -EAGAIN);
}

TEST(log_tells_news_once)
{
	u64 place = log_oldest();

	log_set_news_hook(hear_news);
	log_line(LOG_INFO, "nobody waits");
	EXPECT_EQ(news, 0);
	EXPECT(log_expect(place));
	place = log_newest();
	EXPECT(!log_expect(place));
	log_line(LOG_INFO, "one waits");
	log_line(LOG_INFO, "nobody waits again");
	EXPECT_EQ(news, 1);
	EXPECT(log_expect(place));
	log_set_news_hook(NULL);
}

TEST(random_numbers_differ)
{
	u64 seen[64];
	u8 large[1000] = {0}, count[256] = {0};
	unsigned different = 0;

	random_init();
	for (unsigned i = 0; i < 64; i++) {
		seen[i] = random_u64();
		for (unsigned j = 0; j < i; j++) {
			EXPECT(seen[i] != seen[j]);
		}
	}
	random_bytes(large, sizeof(large));
	for (unsigned i = 0; i < sizeof(large); i++) {
		different += count[large[i]]++ == 0;
	}
	EXPECT(different > 200);
	random_add_entropy("more", 4);
	EXPECT(random_u64() != seen[0]);
	random_bytes(large, 0);
}

TEST(the_nth_allocation_fails)
{
	EXPECT(!fault_injection_should_fail());
	fault_injection_arm(3);
	EXPECT(!fault_injection_should_fail() && !fault_injection_should_fail());
	EXPECT(fault_injection_should_fail() && !fault_injection_should_fail());
	EXPECT_EQ(fault_injection_arm(0), 4);
	EXPECT(!fault_injection_should_fail());
}
