#!/usr/bin/perl

# The manuals: clean for mandoc, and whole: each counter, each model of the
# mock, each option, each setting has its line.

use strict;
use warnings;
use Test::More;

sub slurp {
	my ($file) = @_;
	open my $f, '<', $file or die "$file: $!";
	local $/;
	return scalar <$f>;
}

my @man = sort glob 'man/*.[1-9]';
my %man = map { m{([^/]+)$} => slurp($_) } @man;
ok(@man >= 2, 'there are manuals');

# A page as it is read: mandoc's text without overstrikes.
sub page {
	my ($file) = @_;
	open my $p, '-|', 'mandoc', '-Tascii', '-Owidth=200', $file
	    or die "mandoc: $!";
	local $/;
	my $text = <$p> // '';
	close $p;
	$text =~ s/.\x08//g;
	return $text;
}

SKIP: {
	skip 'no mandoc here', 1 unless `mandoc -Tascii $man[0] 2>&1`;
	for my $file (@man) {
		# Whether other pages are installed is not the page's fault.
		my @said = grep { !/referenced manual not found|mandoc\.db/ }
		    `mandoc -Tlint -Wstyle $file 2>&1`;
		is("@said", '', "$file: mandoc has nothing to say");
	}
}

# Most read them by groff, which takes two things otherwise than mandoc does.
is(join(' ', grep { $man{$_} =~ /\\$/m } sort keys %man), '',
    'a line that ends in a backslash is not joined with the next');
SKIP: {
	skip 'no groff here', 1 unless `groff --version 2>&1` =~ /GNU/;
	my $verdict = qr/(?:kept|approximated|dropped|ignored|refused)/;
	my $rows = () = $man{'proxyd-dialects.7'} =~ /^\.It .* Ta $verdict$/mg;
	my $page = `groff -mandoc -Tascii -P-cbou -rLL=78n man/proxyd-dialects.7`;
	my $told = () = $page =~ /^ {5}\S.* $verdict +$verdict +$verdict$/mg;
	is($told, $rows, 'a row of its tables is a line');
}

# What the programs' pages tell besides what they do.
for my $name (grep { /\.8$/ } sort keys %man) {
	like($man{$name}, qr/^\.Sh $_$/m, "$name: $_")
	    for 'EXIT STATUS', 'DIAGNOSTICS', 'FILES', 'SEE ALSO';
}

# Our own pages that are named are there.
for my $name (sort keys %man) {
	my %want;
	my @gone = grep { !exists $man{$_} && !$want{$_}++ && -e s/\.8$//r .
	    '/main.c' } map { "$_->[0].$_->[1]" }
	    grep { $_->[0] =~ /^(proxyd|proxyctl|admind|app\.yml)/ }
	    map { [ /^\.Xr (\S+) (\d)/ ] } grep { /^\.Xr/ }
	    split /\n/, $man{$name};
	is("@gone", '', "$name: pages that it refers to exist");
}

my ($stats) = slurp('common/state/shm.h') =~
    /#define SHM_STATS(.*?)\n\n/s or die 'no SHM_STATS';
my @stats = $stats =~ /SHM_STAT\((\w+)/g;
ok(@stats > 10, 'counters are found');
my $page = $man{'proxyd.8'};
for my $name (@stats) {
	like($page, qr/^\.It Va $name$/m, "proxyd.8: counter $name");
}
for my $name ($page =~ /^\.It Va (\w+)$/mg) {
	ok($name eq 'rows' || grep({ $_ eq $name } @stats),
	    "proxyd.8: there is a counter $name");
}

my ($table) = slurp('proxyd/mock.c') =~ /mock_models\[\] = \{(.*?)\};/s
    or die 'no mock_models';
my @mock = $table =~ /"(mock-[a-z0-9]+)"/g;
ok(@mock >= 7, 'mock models are found');
like($page, qr/^\.It Li $_$/m, "proxyd.8: $_") for @mock;
my ($list) = slurp('common/policy/served.c') =~ /mock_names\[\] = \{(.*?)\};/s
    or die 'no mock_names';
is_deeply([sort $list =~ /"(mock-[a-z0-9]+)"/g], [sort @mock],
    'the list of models names each of them');

my ($opts) = slurp('proxyd/main.c') =~ /getopt\(argc, argv, "([^"]+)"/
    or die 'no getopt';
like($page, qr/^\.It Fl $_\b/m, "proxyd.8: option -$_")
    for $opts =~ /([A-Za-z])/g;

my ($words) = slurp('proxyd/control.c') =~ /control_words\[\] = \{(.*?)\};/s
    or die 'no control_words';
like($page, qr/^\.It Cm $_$/m, "proxyd.8: command $_")
    for $words =~ /\{ "(\w+)"/g;

# Each path of the API.
my @paths = map { slurp($_) =~ m{"(?:POST|GET)", "(/v1[^"]*)"}g }
    glob 'common/wire/dialect_*.c';
push @paths, slurp('common/policy/served.c') =~ m{\{ "(/[^"]*)", api_}g;
my $plain = $page =~ s/\n\.Li / /gr;
my %seen;
for my $path (grep { !$seen{$_}++ } @paths) {
	next if $path =~ m{^/v1/models/\{model\}:};	# "both also below"
	like($plain, qr/ \Q$path\E(\s|$)/m, "proxyd.8: path $path");
}

# Each column of each table, and none that is not there.
{
	my %col;		# "database table" => { column }
	for my $db (['', 'proxyd.db'], ['bodies/', 'bodies.db'],
	    ['state/', 'state.db']) {
		for my $file (sort glob "schema/$db->[0]*.sql") {
			my $sql = slurp($file) =~ s/--.*//gr;
			while ($sql =~ /CREATE TABLE (\w+) \((.*?)\n\)/gs) {
				my ($t, $in) = ($1, $2);
				$col{"$db->[1] $t"}{$_} = 1 for grep {
				    !/^[A-Z]/ } $in =~ /^\t(\w+)/mg;
			}
			$col{"$db->[1] $1"}{$2} = 1 while $sql =~
			    /ALTER TABLE (\w+) ADD COLUMN (\w+)/g;
			delete $col{"$db->[1] $1"}{$2} while $sql =~
			    /ALTER TABLE (\w+) DROP COLUMN (\w+)/g;
		}
	}
	my (%said, $db, $table);
	for (split /\n/, $man{'proxyd-schema.5'}) {
		($db, $table) = (lc $1, '') if /^\.Sh (\S+\.DB)$/;
		$table = $1 if /^\.Ss (\w+)$/;
		$said{"$db $table"}{$_} = 1 for /^\.It Va (.+)$/ ?
		    split / , /, $1 : ();
	}
	cmp_ok(keys %col, '>', 25, 'tables are found');
	for my $t (sort keys %col) {
		is_deeply([sort keys %{ $said{$t} // {} }],
		    [sort keys %{ $col{$t} }], "proxyd-schema.5: $t")
		    or diag "under .Sh of the database, .Ss of the table: " .
		    ".It Va of each column";
	}
	is_deeply([grep { !$col{$_} } sort keys %said], [],
	    'proxyd-schema.5: no other tables');
}

# Each key of the sample, also of what is commented out there.
my %key;
for (split /\n/, slurp('etc/app.yml')) {
	$key{$1} = 1 if /^([A-Z_]+):/ ||
	    /^#(?:    |  - |    - )([a-z_]+):(?:\s|$)/;
}
ok(keys %key > 30, 'settings are found');
my $conf = $man{'app.yml.5'};
for my $name (sort keys %key) {
	like($conf, qr/^\.It Cm (?:\S+ , )?$name\b/m, "app.yml.5: $name");
}
# And each of the manual's settings is in the sample.
my $sample = slurp('etc/app.yml');
like($sample, qr/^$_:/m, "app.yml: $_")
    for $conf =~ /^\.It Cm ([A-Z_]+)$/mg;

# The program's own tables, where they are there.
if (-e 'proxyctl/words.c' && exists $man{'proxyctl.8'}) {
	my $text = page('man/proxyctl.8');
	my @words;
	for my $file (glob 'proxyctl/*.c') {
		my $c = slurp($file);
		push @words, map { /^\t\{ "([a-z-]+)", \w/mg }
		    $c =~ /_words\[\] = \{(.*?)\n\};/sg;
		push @words, map { /^\t\{ "([a-z-]+)", "/mg }
		    $c =~ /word_groups\[\] = \{(.*?)\n\};/sg;
	}
	ok(@words > 10, 'commands of proxyctl are found');
	like($text, qr/\b$_\b/, "proxyctl.8: command $_") for @words;
	my @options = slurp('proxyctl/options.h') =~
	    /OPT\(\w+, "--([a-z-]+)"/g;
	ok(@options > 10, 'options of proxyctl are found');
	like($text, qr/--\Q$_\E\b/, "proxyctl.8: option --$_") for @options;
}

done_testing;
